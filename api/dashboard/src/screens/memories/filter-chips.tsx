import { X } from 'lucide-react';
import { Button } from '../../components/button.tsx';
import { type BrowseSearch, conditionText, NO_PROJECT } from './search-params.ts';

/** Renders the filters in effect, each with a button that removes it. */
export function FilterChips({ search, onChange }: { search: BrowseSearch; onChange: (search: BrowseSearch) => void }) {
  const { tags = [], project, type, status, from, to, meta = [] } = search;
  const without = (name: keyof BrowseSearch) => {
    const { [name]: _former, ...rest } = search;
    return rest;
  };
  const chips: [label: string, next: BrowseSearch][] = [
    ...tags.map((tag): [string, BrowseSearch] => {
      const others = tags.filter((one) => one !== tag);
      return [`Tag: ${tag}`, others.length > 0 ? { ...search, tags: others } : without('tags')];
    }),
    ...meta.map((condition): [string, BrowseSearch] => {
      const others = meta.filter((one) => one !== condition);
      return [conditionText(condition), others.length > 0 ? { ...search, meta: others } : without('meta')];
    }),
  ];
  if (project !== undefined)
    chips.push([project === NO_PROJECT ? 'No project' : `Project: ${project}`, without('project')]);
  if (type) chips.push([type === 'long_term' ? 'Long-term' : 'Short-term', without('type')]);
  if (status) chips.push([status === 'all' ? 'Active and archived' : 'Archived', without('status')]);
  if (from) chips.push([`From ${from}`, without('from')]);
  if (to) chips.push([`Until ${to}`, without('to')]);
  if (chips.length === 0) return null;
  return (
    <div className="chips browse-chips">
      {chips.map(([label, next]) => (
        <span key={label} className="chip">
          <span className="clipped">{label}</span>
          <Button variant="icon" aria-label={`Remove filter ${label}`} onPress={() => onChange(next)}>
            <X size={14} aria-hidden />
          </Button>
        </span>
      ))}
    </div>
  );
}
