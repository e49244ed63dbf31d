import { Radio, RadioGroup } from 'react-aria-components';
import { clientSetups } from '../../../../../mcp/client-setup/texts.ts';

const CLIENTS = [
  ...clientSetups({ url: '', apiKey: '', version: '' })
    .filter(({ id }) => id !== 'curl' && id !== 'other')
    .map(({ id, client }) => ({ id, client })),
  { id: 'claude-ai', client: 'Claude.ai' },
  { id: 'chatgpt', client: 'ChatGPT' },
  { id: 'other', client: 'Any MCP client' },
  { id: 'curl', client: 'REST (curl)' },
];

interface ChooseClientProps {
  value: string;
  onChange: (id: string) => void;
}

/** Renders the clients as a group of choices. */
export function ChooseClient({ value, onChange }: ChooseClientProps) {
  return (
    <RadioGroup aria-label="Client" value={value} onChange={onChange} className="choices" orientation="horizontal">
      {CLIENTS.map(({ id, client }) => (
        <Radio key={id} value={id} className="choice">
          {client}
        </Radio>
      ))}
    </RadioGroup>
  );
}
