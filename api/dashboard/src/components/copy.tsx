import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Button } from './button.tsx';

const CONFIRMED_MS = 2_000;

interface CopyButtonProps {
  text: string;
  /** The thing that is copied, such as "API key". */
  label: string;
}

/** Copies a text to the clipboard and confirms it, also to screen readers. */
export function CopyButton({ text, label }: CopyButtonProps) {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle');
  useEffect(() => {
    if (state === 'idle') return undefined;
    const timer = setTimeout(() => setState('idle'), CONFIRMED_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setState('copied'),
      () => setState('failed'),
    );
  const words = { idle: 'Copy', copied: 'Copied', failed: 'Press Ctrl+C' }[state];
  return (
    <Button onPress={copy} aria-label={state === 'idle' ? `Copy ${label}` : words}>
      {state === 'copied' ? <Check size={16} aria-hidden /> : <Copy size={16} aria-hidden />}
      <span role="status">{words}</span>
    </Button>
  );
}

/** Renders a text to copy as it stands: a command, a configuration or a key. */
export function Snippet({ text, label }: CopyButtonProps) {
  return (
    <div className="snippet">
      <pre>
        <code>{text}</code>
      </pre>
      <CopyButton text={text} label={label} />
    </div>
  );
}
