import { Button } from '../../components/button.tsx';
import { Dialog, DialogActions } from '../../components/dialog.tsx';
import { Select, TextField } from '../../components/fields.tsx';
import { MetadataFilterField } from './metadata-filter-field.tsx';
import { ProjectSelect } from './project-select.tsx';
import type { BrowseSearch } from './search-params.ts';
import { TagPicker } from './tag-picker.tsx';

interface FilterDialogProps {
  search: BrowseSearch;
  onChange: (search: BrowseSearch) => void;
  isOpen: boolean;
  onClose: () => void;
}

const ANY = 'any';

/** Renders every filter of the list. Each change is in the URL at once. */
export function FilterDialog({ search, onChange, isOpen, onClose }: FilterDialogProps) {
  /** Returns the state with a filter set, or without it. */
  const set = <Name extends keyof BrowseSearch>(name: Name, value: BrowseSearch[Name] | undefined) => {
    const { [name]: _former, ...rest } = search;
    onChange(value === undefined || value === '' ? rest : { ...rest, [name]: value });
  };
  return (
    <Dialog title="Filters" isOpen={isOpen} onClose={onClose}>
      <TagPicker
        label="Tags"
        value={search.tags ?? []}
        onChange={(tags) => set('tags', tags.length > 0 ? tags : undefined)}
      />
      <ProjectSelect
        label="Project"
        value={search.project}
        anyLabel="Any project"
        onChange={(project) => set('project', project)}
      />
      <div className="columns narrow">
        <Select
          label="Type"
          value={search.type ?? ANY}
          choices={[
            { value: ANY, label: 'Any type' },
            { value: 'short_term', label: 'Short-term' },
            { value: 'long_term', label: 'Long-term' },
          ]}
          onChange={(type) => set('type', type === ANY ? undefined : type)}
        />
        <Select
          label="Status"
          value={search.status ?? 'active'}
          choices={[
            { value: 'active', label: 'Active' },
            { value: 'archived', label: 'Archived' },
            { value: 'all', label: 'Active and archived' },
          ]}
          onChange={(status) => set('status', status === 'active' ? undefined : status)}
        />
        <TextField label="Created from" type="date" value={search.from ?? ''} onChange={(day) => set('from', day)} />
        <TextField label="Created until" type="date" value={search.to ?? ''} onChange={(day) => set('to', day)} />
      </div>
      <MetadataFilterField
        value={search.meta ?? []}
        onChange={(meta) => set('meta', meta.length > 0 ? meta : undefined)}
      />
      <DialogActions>
        <Button
          onPress={() => onChange({ ...(search.q && { q: search.q }), ...(search.view && { view: search.view }) })}
        >
          Clear all
        </Button>
        <Button variant="primary" onPress={onClose}>
          Done
        </Button>
      </DialogActions>
    </Dialog>
  );
}
