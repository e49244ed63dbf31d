import { Check, ChevronDown } from 'lucide-react';
import type { ReactNode } from 'react';
import {
  Button as AriaButton,
  Checkbox as AriaCheckbox,
  type CheckboxProps as AriaCheckboxProps,
  SearchField as AriaSearchField,
  type SearchFieldProps as AriaSearchFieldProps,
  Select as AriaSelect,
  TextField as AriaTextField,
  type TextFieldProps as AriaTextFieldProps,
  FieldError,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  SelectValue,
  Text,
  TextArea,
} from 'react-aria-components';
import type { ApiError } from '../api/client.ts';

interface Described {
  label: string;
  /** Explains the field, below it. */
  description?: ReactNode;
  /** The reason why the value was rejected; see {@link errorOf}. */
  error?: string | undefined;
}

/** Returns the message of a rejected field of an operation's input, for the field's `error`. */
export function errorOf(error: ApiError | null, path: string): string | undefined {
  return error?.fields.find((field) => field.path === path || field.path.startsWith(`${path}.`))?.message;
}

interface TextFieldProps extends Omit<AriaTextFieldProps, 'className' | 'children'>, Described {
  placeholder?: string;
  /** Height in lines; a single line without it. */
  rows?: number;
}

/** Renders a labelled text input, or a text area when it has `rows`. */
export function TextField({ label, description, error, placeholder, rows, ...props }: TextFieldProps) {
  return (
    // "aria": a field with an error does not keep its form from being sent again.
    <AriaTextField {...props} isInvalid={error !== undefined} validationBehavior="aria" className="field">
      <Label>{label}</Label>
      {rows ? <TextArea rows={rows} placeholder={placeholder} /> : <Input placeholder={placeholder} />}
      {description && <Text slot="description">{description}</Text>}
      <FieldError>{error}</FieldError>
    </AriaTextField>
  );
}

interface SearchFieldProps extends Omit<AriaSearchFieldProps, 'className' | 'children'> {
  label: string;
  placeholder?: string;
  inputRef?: React.Ref<HTMLInputElement>;
}

/** Renders a search input whose label only screen readers read. Escape clears it. */
export function SearchField({ label, placeholder, inputRef, ...props }: SearchFieldProps) {
  return (
    <AriaSearchField {...props} aria-label={label} className="search-field">
      <Input placeholder={placeholder} {...(inputRef && { ref: inputRef })} />
      <AriaButton className="button icon" aria-label="Clear">
        ✕
      </AriaButton>
    </AriaSearchField>
  );
}

export interface Choice<Value extends string> {
  value: Value;
  label: string;
  detail?: string;
}

interface SelectProps<Value extends string> extends Described {
  choices: readonly Choice<Value>[];
  value: Value;
  onChange: (value: Value) => void;
  isDisabled?: boolean;
  /** Hides the label visually, in a row of filters. */
  isLabelHidden?: boolean;
}

/** Renders a list from which one value is chosen. */
export function Select<Value extends string>({
  label,
  description,
  error,
  choices,
  value,
  onChange,
  isDisabled,
  isLabelHidden,
}: SelectProps<Value>) {
  return (
    <AriaSelect
      className="field"
      selectedKey={value}
      onSelectionChange={(key) => onChange(key as Value)}
      isInvalid={error !== undefined}
      validationBehavior="aria"
      {...(isDisabled && { isDisabled })}
      {...(isLabelHidden && { 'aria-label': label })}
    >
      {!isLabelHidden && <Label>{label}</Label>}
      <AriaButton className="select-button">
        <SelectValue>{({ selectedText }) => selectedText}</SelectValue>
        <ChevronDown size={16} aria-hidden />
      </AriaButton>
      {description && <Text slot="description">{description}</Text>}
      <FieldError>{error}</FieldError>
      <Popover className="popover">
        <ListBox className="list-box" items={choices}>
          {(choice) => (
            <ListBoxItem id={choice.value} textValue={choice.label} className="list-item">
              {({ isSelected }) => (
                <>
                  <span className="list-item-check">{isSelected && <Check size={16} aria-hidden />}</span>
                  <span>
                    {choice.label}
                    {choice.detail && <span className="detail">{choice.detail}</span>}
                  </span>
                </>
              )}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}

/** Renders a checkbox with its label. */
export function Checkbox({
  children,
  ...props
}: Omit<AriaCheckboxProps, 'className' | 'children'> & { children?: ReactNode }) {
  return (
    <AriaCheckbox {...props} className="checkbox">
      {({ isIndeterminate }) => (
        <>
          <span className="checkbox-box" aria-hidden>
            {isIndeterminate ? '–' : <Check size={14} strokeWidth={3} />}
          </span>
          {children}
        </>
      )}
    </AriaCheckbox>
  );
}
