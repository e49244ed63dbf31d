import { TextField } from '../../components/fields.tsx';
import type { ImportOptions } from './upload.ts';

type Mapping = NonNullable<ImportOptions['mapping']>;

/** Fields of a memory that a column can give, each with an example of a column's name. */
const FIELDS: Record<keyof Mapping, { label: string; example: string }> = {
  content: { label: 'Content', example: 'text' },
  title: { label: 'Title', example: 'subject' },
  tags: { label: 'Tags', example: 'labels' },
  project: { label: 'Project', example: 'repository' },
  session_id: { label: 'Session', example: 'conversation' },
  type: { label: 'Type', example: 'kind' },
  occurred_at: { label: 'Time of the event', example: 'date' },
  expires_at: { label: 'Expires', example: 'valid_until' },
  created_at: { label: 'Created', example: 'added' },
  updated_at: { label: 'Edited', example: 'changed' },
  id: { label: 'Id', example: 'uuid' },
  metadata: { label: 'Metadata', example: 'extra' },
};

interface MappingFieldsProps {
  mapping: Mapping;
  onChange: (mapping: Mapping) => void;
}

/** Renders the names of columns or keys, for a file whose names are not recognized. */
export function MappingFields({ mapping, onChange }: MappingFieldsProps) {
  const set = (field: keyof Mapping, value: string) => {
    const { [field]: _former, ...others } = mapping;
    onChange(value.trim() === '' ? others : { ...others, [field]: value.trim() });
  };
  return (
    <details className="import-mapping">
      <summary>Columns of CSV, keys of JSON lines</summary>
      <p className="detail">
        Usual names are recognized. Where yours differ, name the column or key that gives each field.
      </p>
      <div className="import-columns">
        {(Object.keys(FIELDS) as (keyof Mapping)[]).map((field) => (
          <TextField
            key={field}
            label={FIELDS[field].label}
            placeholder={FIELDS[field].example}
            value={mapping[field] ?? ''}
            onChange={(value) => set(field, value)}
          />
        ))}
      </div>
    </details>
  );
}
