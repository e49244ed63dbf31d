import { useOperation } from '../../api/hooks.ts';
import { NamePicker } from '../../components/name-picker.tsx';

interface TagPickerProps {
  label: string;
  value: readonly string[];
  onChange: (tags: string[]) => void;
  /** Allows tags that no memory has yet. */
  allowsNew?: boolean;
}

/** Picks tags from those in use, and new ones where they are allowed. */
export function TagPicker({ allowsNew = false, ...props }: TagPickerProps) {
  const known = useOperation('tags.list', { limit: 200 });
  const names = (known.data?.results ?? []).map(({ tag, count }) => ({ name: tag, count }));
  const placeholder = allowsNew ? 'Add a tag and press Enter' : 'Choose a tag';
  return <NamePicker {...props} what="tag" names={names} placeholder={placeholder} allowsNew={allowsNew} />;
}
