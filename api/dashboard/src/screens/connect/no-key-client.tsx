import { Callout } from '../../components/feedback.tsx';

const NAMES: Record<string, string> = { 'claude-ai': 'Claude.ai', chatgpt: 'ChatGPT' };

/** Explains why a client that takes no key cannot be connected yet. */
export function NoKeyClient({ id }: { id: string }) {
  const name = NAMES[id];
  return (
    <Callout kind="warning">
      <strong>{name} cannot be connected yet.</strong> It adds servers only by OAuth, and this service takes API keys.
      Clients that send a header work today: Claude Code, Cursor, VS Code, Codex, and the others above.
    </Callout>
  );
}
