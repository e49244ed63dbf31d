import { type ReactNode, useState } from 'react';
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { Button } from './button.tsx';
import { TextField } from './fields.tsx';

interface DialogProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  children: ReactNode;
  /** Width of the content: a form, or a text to read. */
  size?: 'form' | 'reading' | 'wide';
  /** For a dialog that must not close by a click beside it, such as one that shows a secret once. */
  isKept?: boolean;
}

/** Renders a modal dialog. Focus stays in it, and returns to where it was. */
export function Dialog({ title, isOpen, onClose, children, size = 'form', isKept = false }: DialogProps) {
  return (
    <ModalOverlay
      isOpen={isOpen}
      onOpenChange={(open) => !open && onClose()}
      isDismissable={!isKept}
      isKeyboardDismissDisabled={isKept}
      className="overlay"
    >
      <Modal className={`modal ${size}`}>
        <AriaDialog className="dialog">
          <Heading slot="title">{title}</Heading>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

interface ConfirmDialogProps {
  title: string;
  /** The consequences, in words. */
  children: ReactNode;
  /** Label of the button that acts, such as "Revoke key". */
  action: string;
  isOpen: boolean;
  isPending?: boolean;
  onConfirm: () => void;
  onClose: () => void;
  /** Text that must be typed before the button can be pressed. */
  typed?: string;
  isDangerous?: boolean;
}

/** Asks for a confirmation before an act that cannot be undone. */
export function ConfirmDialog({
  title,
  children,
  action,
  isOpen,
  isPending = false,
  onConfirm,
  onClose,
  typed,
  isDangerous = true,
}: ConfirmDialogProps) {
  const [text, setText] = useState('');
  const isConfirmed = typed === undefined || text.trim() === typed;
  return (
    <Dialog title={title} isOpen={isOpen} onClose={onClose}>
      <div className="stack">{children}</div>
      {typed !== undefined && (
        <TextField label={`Type "${typed}" to confirm`} value={text} onChange={setText} autoComplete="off" />
      )}
      <DialogActions>
        <Button onPress={onClose}>Cancel</Button>
        <Button
          variant={isDangerous ? 'danger' : 'primary'}
          isDisabled={!isConfirmed}
          isPending={isPending}
          onPress={onConfirm}
        >
          {action}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

/** Renders the row of buttons at the end of a dialog. */
export function DialogActions({ children }: { children: ReactNode }) {
  return <div className="dialog-actions">{children}</div>;
}
