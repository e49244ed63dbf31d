import { X } from 'lucide-react';
import { useState } from 'react';
import { ComboBox, Input, Label, ListBox, ListBoxItem, Popover } from 'react-aria-components';
import { useOperation } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';

/** Suggestions that are shown at once. */
const SUGGESTED_MAX = 50;

interface TagPickerProps {
  label: string;
  value: readonly string[];
  onChange: (tags: string[]) => void;
  /** Allows tags that no memory has yet. */
  allowsNew?: boolean;
}

/** Picks tags from those in use, and new ones where they are allowed. */
export function TagPicker({ label, value, onChange, allowsNew = false }: TagPickerProps) {
  const [text, setText] = useState('');
  const known = useOperation('tags.list', { limit: 200 });
  const typed = text.trim().toLowerCase();
  const suggestions = (known.data?.results ?? [])
    .filter(({ tag }) => tag.includes(typed) && !value.includes(tag))
    .slice(0, SUGGESTED_MAX);
  const add = (tag: string) => {
    const trimmed = tag.trim();
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
      >
        <Label>{label}</Label>
        <Input
          placeholder={allowsNew ? 'Add a tag and press Enter' : 'Choose a tag'}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || typed === '' || event.currentTarget.getAttribute('aria-activedescendant'))
              return;
            event.preventDefault();
            add(text);
          }}
        />
        <Popover className="popover">
          <ListBox<(typeof suggestions)[number]> className="list-box">
            {({ tag, count }) => (
              <ListBoxItem id={tag} textValue={tag} className="list-item">
                <span className="clipped grow">{tag}</span>
                <span className="detail number">{count}</span>
              </ListBoxItem>
            )}
          </ListBox>
        </Popover>
      </ComboBox>
      {value.length > 0 && (
        <div className="chips">
          {value.map((tag) => (
            <span key={tag} className="chip">
              <span className="clipped">{tag}</span>
              <Button
                variant="icon"
                aria-label={`Remove tag ${tag}`}
                onPress={() => onChange(value.filter((one) => one !== tag))}
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
