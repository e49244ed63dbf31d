import { X } from 'lucide-react';
import { useState } from 'react';
import type { MetadataCondition } from '../../../../contracts/metadata-filter.ts';
import { Button } from '../../components/button.tsx';
import { Select, TextField } from '../../components/fields.tsx';
import { conditionText } from './search-params.ts';

const COMPARISONS = [
  { value: 'eq', label: 'is' },
  { value: 'gte', label: 'is at least' },
  { value: 'lte', label: 'is at most' },
  { value: 'exists', label: 'is set' },
  { value: 'missing', label: 'is not set' },
] as const;
type Comparison = (typeof COMPARISONS)[number]['value'];

/** Conditions of a call; see `api/contracts/metadata-filter.ts`. */
const CONDITIONS_MAX = 10;

interface MetadataFilterFieldProps {
  value: readonly MetadataCondition[];
  onChange: (conditions: MetadataCondition[]) => void;
}

/** Adds and removes conditions on metadata. */
export function MetadataFilterField({ value, onChange }: MetadataFilterFieldProps) {
  const [path, setPath] = useState('');
  const [comparison, setComparison] = useState<Comparison>('eq');
  const [text, setText] = useState('');
  const needsValue = comparison !== 'exists' && comparison !== 'missing';
  const add = () => {
    onChange([...value, conditionOf(path.trim(), comparison, text)]);
    setPath('');
    setText('');
  };
  return (
    <fieldset className="metadata-filter">
      <legend>Metadata</legend>
      <div className="metadata-filter-row">
        <TextField label="Path" value={path} onChange={setPath} placeholder="source.kind" />
        <Select label="Comparison" value={comparison} choices={COMPARISONS} onChange={setComparison} />
        {needsValue && <TextField label="Value" value={text} onChange={setText} placeholder="bug" />}
        <Button onPress={add} isDisabled={path.trim() === '' || value.length >= CONDITIONS_MAX}>
          Add
        </Button>
      </div>
      {value.length > 0 && (
        <div className="chips">
          {value.map((condition) => (
            <span key={conditionText(condition)} className="chip">
              <span className="clipped">{conditionText(condition)}</span>
              <Button
                variant="icon"
                aria-label={`Remove condition ${conditionText(condition)}`}
                onPress={() => onChange(value.filter((one) => one !== condition))}
              >
                <X size={14} aria-hidden />
              </Button>
            </span>
          ))}
        </div>
      )}
    </fieldset>
  );
}

function conditionOf(path: string, comparison: Comparison, text: string): MetadataCondition {
  switch (comparison) {
    case 'exists':
      return { path, exists: true };
    case 'missing':
      return { path, exists: false };
    case 'eq':
      return { path, eq: scalarOf(text) };
    default: {
      const bound = scalarOf(text);
      return { path, [comparison]: typeof bound === 'number' ? bound : text };
    }
  }
}

/** Reads a number, true, false or null; any other text is a text. In quotes, these are texts too. */
function scalarOf(text: string): string | number | boolean | null {
  try {
    const value: unknown = JSON.parse(text);
    if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) {
      return value as string | number | boolean | null;
    }
  } catch {
    // No JSON: a text.
  }
  return text;
}
