import { type RefObject, useEffect, useRef, useState } from 'react';

interface ListKeys {
  /** Ids of the entries, in order. */
  ids: readonly string[];
  searchInput: RefObject<HTMLInputElement | null>;
  /** Brings an entry into view. */
  scrollTo: (index: number) => void;
  onOpen: (id: string) => void;
  onEdit: (id: string) => void;
  onToggle: (id: string) => void;
  onEscape: () => void;
}

/** Returns the id of the element that has the focus when an entry is the current one. */
export function entryElementId(id: string): string {
  return `memory-${id}`;
}

/**
 * Handles the keys of a list: `/` goes to the search, `j`, `k` and the arrows move, Enter opens, `e` edits, `x` selects. Keys that are
 * typed into a field, or while a dialog is open, are left alone.
 * @returns the id of the current entry
 */
export function useListKeys(keys: ListKeys): string | undefined {
  const [current, setCurrent] = useState<string>();
  const latest = useRef({ ...keys, current });
  latest.current = { ...keys, current };

  useEffect(() => {
    const move = (step: number) => {
      const { ids, current: id, scrollTo } = latest.current;
      if (ids.length === 0) return;
      const from = id === undefined ? -1 : ids.indexOf(id);
      const index = Math.min(ids.length - 1, Math.max(0, from + step));
      const next = ids[index] as string;
      setCurrent(next);
      scrollTo(index);
      // The entry may be rendered only after the list has scrolled.
      requestAnimationFrame(() => document.getElementById(entryElementId(next))?.focus({ preventScroll: true }));
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('.overlay, .popover')) return;
      const { searchInput, onOpen, onEdit, onToggle, onEscape, current: id } = latest.current;
      const target = event.target as HTMLElement;
      if (target === searchInput.current) {
        if (event.key !== 'ArrowDown') return;
      } else if (target.closest('input, textarea, select, [contenteditable], [role="listbox"], [role="menu"]')) return;
      const isFocused = target.id === (id && entryElementId(id));
      const actions: Record<string, (() => void) | undefined> = {
        '/': () => searchInput.current?.focus(),
        j: () => move(1),
        ArrowDown: () => move(1),
        k: () => move(-1),
        ArrowUp: () => move(-1),
        // The focused link opens by itself.
        Enter: id && !isFocused && target.matches('body, main') ? () => onOpen(id) : undefined,
        e: id ? () => onEdit(id) : undefined,
        x: id ? () => onToggle(id) : undefined,
        Escape: onEscape,
      };
      const action = actions[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  return current;
}
