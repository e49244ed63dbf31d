import { Link } from '@tanstack/react-router';
import { useOperation } from '../../api/hooks.ts';
import { Snippet } from '../../components/copy.tsx';
import { Callout } from '../../components/feedback.tsx';
import { Loaded } from '../../components/screen.tsx';
import { FirstCall } from './first-call.tsx';

interface AppClient {
  name: string;
  settings: string;
  steps: readonly string[];
}

/** Clients that connect by OAuth only: they take the address of the server and ask the person, without a key. */
const APP_CLIENTS: Record<string, AppClient> = {
  'claude-ai': {
    name: 'Claude.ai',
    settings: 'https://claude.ai/settings/connectors',
    steps: [
      'Open Settings, then Connectors, and choose "Add custom connector".',
      'Name it WhiteMagic, enter the address below, and leave the advanced settings empty.',
      'Choose "Connect". This site asks whether Claude may use your memory: allow it.',
      'The connector then works on claude.ai, in Claude Desktop and on your phone.',
    ],
  },
  chatgpt: {
    name: 'ChatGPT',
    settings: 'https://chatgpt.com/#settings/Connectors',
    steps: [
      'Open Settings, then Apps & Connectors, and turn on the developer mode under its advanced settings.',
      'Choose "Create", name it WhiteMagic, enter the address below, and choose OAuth as the authentication.',
      'This site asks whether ChatGPT may use your memory: allow it.',
      'In a chat, choose WhiteMagic from the tools menu.',
    ],
  },
};

/** Returns whether a client connects by OAuth only. */
export function isAppClient(id: string): boolean {
  return id in APP_CLIENTS;
}

/** Renders the steps that connect an app by OAuth, and watches its first call arrive. */
export function AppSteps({ id, firstPrompt }: { id: string; firstPrompt: string }) {
  const { name, settings, steps } = APP_CLIENTS[id] as AppClient;
  const apps = useOperation('apps.list', {});
  return (
    <>
      <li>
        <h2>Add WhiteMagic to {name}</h2>
        <Loaded result={apps}>
          {({ mcp_url: url }) =>
            url === null ? (
              <Callout kind="warning">
                <strong>{name} cannot be connected to this installation.</strong> It connects by OAuth, which the
                operator has not turned on: OAUTH_PUBLIC_URL in <a href="/docs/configuration">the configuration</a>.
              </Callout>
            ) : (
              <div className="stack">
                <ol>
                  {steps.map((step) => (
                    <li key={step}>{step}</li>
                  ))}
                </ol>
                <Snippet text={url} label="the address of the server" />
                <p>
                  <a className="button primary" href={settings} target="_blank" rel="noreferrer">
                    Open the settings of {name}
                  </a>
                </p>
                {!url.startsWith('https:') && (
                  <Callout kind="warning">
                    {name} calls from its own servers, so it cannot reach this address: it needs a public one that
                    begins with https.
                  </Callout>
                )}
                <p className="detail">
                  No key is needed. What you connected stands under <Link to="/account">Account, Connected apps</Link>,
                  where you can disconnect it.
                </p>
              </div>
            )
          }
        </Loaded>
      </li>
      {apps.data?.mcp_url != null && (
        <li>
          <h2>Say the first thing to remember</h2>
          <div className="stack">
            <p>In a new chat, say:</p>
            <Snippet text={firstPrompt} label="the first prompt" />
            <FirstCall chosen={undefined} />
          </div>
        </li>
      )}
    </>
  );
}
