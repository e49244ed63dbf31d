import type { ApiError } from '../api/client.ts';
import { Button } from './button.tsx';
import { DialogActions } from './dialog.tsx';
import { Callout } from './feedback.tsx';

interface FormEndProps {
  /** Text of the button that sends the form. */
  label: string;
  isPending: boolean;
  error: ApiError | null;
  onClose: () => void;
}

/** Renders the end of a form in a dialog: an error that belongs to none of its fields, then its buttons. */
export function FormEnd({ label, isPending, error, onClose }: FormEndProps) {
  const isGeneral = error && !error.fields.some(({ path }) => path !== '');
  return (
    <>
      {isGeneral && (
        <Callout kind="error">
          <strong>{error.title}.</strong> {error.message}
        </Callout>
      )}
      <DialogActions>
        <Button onPress={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" isPending={isPending}>
          {label}
        </Button>
      </DialogActions>
    </>
  );
}
