import { X } from 'lucide-react';
import {
  Button as AriaButton,
  UNSTABLE_Toast as Toast,
  UNSTABLE_ToastContent as ToastContent,
  UNSTABLE_ToastQueue as ToastQueue,
  UNSTABLE_ToastRegion as ToastRegion,
} from 'react-aria-components';
import type { ApiError } from '../api/client.ts';

/** Milliseconds that a toast stays, long enough to reach its button by keyboard (F6). */
const SHOWN_MS = 10_000;

interface Message {
  kind: 'done' | 'error';
  text: string;
  detail?: string;
  action?: { label: string; run: () => void };
}

const queue = new ToastQueue<Message>({ maxVisibleToasts: 3 });

/** Reports that an act succeeded, with a button that undoes it where it can be undone. */
export function notifyDone(text: string, undo?: () => void): void {
  queue.add({ kind: 'done', text, ...(undo && { action: { label: 'Undo', run: undo } }) }, { timeout: SHOWN_MS });
}

/** Reports an error that belongs to no field. It stays until it is closed. */
export function notifyError(error: ApiError): void {
  const id = error.requestId ? ` Request ${error.requestId}.` : '';
  queue.add({ kind: 'error', text: error.title, detail: `${error.message}${id}` });
}

/** Renders the toasts. Rendered once, by the frame. */
export function Toasts() {
  return (
    <ToastRegion queue={queue} className="toasts" aria-label="Notifications">
      {({ toast }) => (
        <Toast toast={toast} className={`toast ${toast.content.kind}`}>
          <ToastContent className="toast-content">
            <span slot="title">{toast.content.text}</span>
            {toast.content.detail && <span slot="description">{toast.content.detail}</span>}
          </ToastContent>
          {toast.content.action && (
            <AriaButton
              className="button plain"
              onPress={() => {
                toast.content.action?.run();
                queue.close(toast.key);
              }}
            >
              {toast.content.action.label}
            </AriaButton>
          )}
          <AriaButton slot="close" className="button icon" aria-label="Close">
            <X size={16} aria-hidden />
          </AriaButton>
        </Toast>
      )}
    </ToastRegion>
  );
}
