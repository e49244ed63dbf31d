import type { ReactNode } from 'react';
import { Button } from './button.tsx';
import { Snippet } from './copy.tsx';
import { Dialog, DialogActions } from './dialog.tsx';
import { Callout } from './feedback.tsx';

interface SecretDialogProps {
  title: string;
  secret: string;
  /** Name of the secret, for its copy button. */
  label: string;
  /** Says how long the secret that it replaces still counts; undefined when it replaces none. */
  previous?: string | undefined;
  /** Says why it must be copied now. */
  children: ReactNode;
  onClose: () => void;
}

/** Shows a new secret, which only this dialog ever shows. It stays open until the person confirms. */
export function SecretDialog({ title, secret, label, previous, children, onClose }: SecretDialogProps) {
  return (
    <Dialog title={title} isOpen isKept onClose={onClose} size="reading">
      <div className="stack">
        <Snippet text={secret} label={label} />
        <Callout kind="warning">{children}</Callout>
        {previous && <p>{previous}</p>}
        <DialogActions>
          <Button variant="primary" onPress={onClose}>
            I have copied it
          </Button>
        </DialogActions>
      </div>
    </Dialog>
  );
}
