import { useRouter } from '@tanstack/react-router';
import { type RefObject, useCallback, useEffect, useState } from 'react';
import { SearchField } from '../../components/fields.tsx';
import type { BrowseSearch } from './search-params.ts';

/** Milliseconds without a key press after which a typed query is searched. */
const TYPING_MS = 300;

interface SearchBoxProps {
  search: BrowseSearch;
  onChange: (search: BrowseSearch) => void;
  inputRef: RefObject<HTMLInputElement | null>;
}

/** Renders the search input. It searches when typing pauses, and at once on Enter. */
export function SearchBox({ search, onChange, inputRef }: SearchBoxProps) {
  const [text, setText] = useState(search.q ?? '');
  const router = useRouter();
  const [path] = useState(router.latestLocation.pathname);
  const submit = useCallback(
    (typed: string) => {
      const { q, ...rest } = search;
      if (typed.trim() === (q ?? '').trim()) return;
      onChange(typed.trim() === '' ? rest : { ...rest, q: typed });
    },
    [search, onChange],
  );
  useEffect(() => {
    const timer = setTimeout(() => {
      // This screen stays while the next one is loaded: a search would lead back to it.
      if (router.latestLocation.pathname === path) submit(text);
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, submit, router, path]);
  return (
    <div className="grow">
      <SearchField
        label="Search memories"
        placeholder="Search by words or meaning"
        value={text}
        onChange={setText}
        onSubmit={submit}
        onClear={() => submit('')}
        maxLength={2_000}
        inputRef={inputRef}
        aria-keyshortcuts="/"
      />
    </div>
  );
}
