import { X } from 'lucide-react';
import { useState } from 'react';
import { ComboBox, FieldError, Input, Label, ListBox, ListBoxItem, Popover, Text } from 'react-aria-components';
import { Button } from './button.tsx';

/** Suggestions that are shown at once. */
const SUGGESTED_MAX = 50;

/** A name that can be picked. */
export interface PickedName {
  name: string;
  /** Number of memories that have it. */
  count: number;
  /** Shown instead of the name. */
  label?: string;
}

interface NamePickerProps {
  label: string;
  /** The word for one name, such as "tag". */
  what: string;
  names: readonly PickedName[];
  value: readonly string[];
  onChange: (names: string[]) => void;
  placeholder: string;
  /** Accepts a typed name that is not among `names`. */
  allowsNew?: boolean | undefined;
  description?: string | undefined;
  error?: string | undefined;
}

/** Picks several names from those in use, and new ones where they are allowed. */
export function NamePicker(props: NamePickerProps) {
  const { label, what, names, value, onChange, placeholder, description, error } = props;
  const [text, setText] = useState('');
  const labels = new Map(names.map((one) => [one.name, one.label ?? one.name]));
  const typed = text.trim().toLowerCase();
  const suggestions = names
    .filter((one) => (one.label ?? one.name).toLowerCase().includes(typed) && !value.includes(one.name))
    .slice(0, SUGGESTED_MAX);
  const add = (name: string) => {
    const trimmed = name.trim();
    setText('');
    if (trimmed !== '' && !value.includes(trimmed)) onChange([...value, trimmed]);
  };
  return (
    <div className="field">
      <ComboBox
        className="field"
        items={suggestions}
        inputValue={text}
        onInputChange={setText}
        selectedKey={null}
        onSelectionChange={(key) => key !== null && add(String(key))}
        allowsCustomValue
        menuTrigger="focus"
        isInvalid={error !== undefined}
      >
        <Label>{label}</Label>
        <Input
          placeholder={placeholder}
          onBlur={() => props.allowsNew && add(text)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || typed === '' || event.currentTarget.getAttribute('aria-activedescendant'))
              return;
            event.preventDefault();
            if (props.allowsNew) add(text);
          }}
        />
        {description && <Text slot="description">{description}</Text>}
        <FieldError>{error}</FieldError>
        <Popover className="popover">
          <ListBox<PickedName> className="list-box">
            {(one) => (
              <ListBoxItem id={one.name} textValue={one.label ?? one.name} className="list-item">
                <span className="clipped grow">{one.label ?? one.name}</span>
                <span className="detail number">{one.count}</span>
              </ListBoxItem>
            )}
          </ListBox>
        </Popover>
      </ComboBox>
      {value.length > 0 && (
        <div className="chips">
          {value.map((name) => (
            <span key={name} className="chip">
              <span className="clipped">{labels.get(name) ?? name}</span>
              <Button
                variant="icon"
                aria-label={`Remove ${what} ${labels.get(name) ?? name}`}
                onPress={() => onChange(value.filter((one) => one !== name))}
              >
                <X size={14} aria-hidden />
              </Button>
            </span>
          ))}
        </div>
      )}
    </div>
  );
}
