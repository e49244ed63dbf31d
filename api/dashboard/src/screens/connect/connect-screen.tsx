import { useState } from 'react';
import { clientSetups } from '../../../../../mcp/client-setup/texts.ts';
import { useOperation } from '../../api/hooks.ts';
import { Snippet } from '../../components/copy.tsx';
import { Callout } from '../../components/feedback.tsx';
import { Loaded, Screen } from '../../components/screen.tsx';
import { AppSteps, isAppClient } from './app-steps.tsx';
import { ChooseClient } from './choose-client.tsx';
import { ChooseKey, type ChosenKey } from './choose-key.tsx';
import './connect.css';
import { FirstCall } from './first-call.tsx';

/** Text in place of a key whose secret this browser does not have. */
const KEY_PLACEHOLDER = 'YOUR_API_KEY';
const FIRST_PROMPT = 'Remember that we deploy on Fridays. Then find what you know about our deployments.';

/** Renders the steps that connect a client: choose it, make a key, paste one text, and watch its first call arrive. */
export function ConnectScreen() {
  const [clientId, setClientId] = useState(rememberedClient);
  const [chosen, setChosen] = useState<ChosenKey>();
  const keys = useOperation('keys.list', {});
  const setup = clientSetups({
    url: location.origin,
    apiKey: chosen?.secret ?? KEY_PLACEHOLDER,
    version: __VERSION__,
  }).find(({ id }) => id === clientId);

  const choose = (id: string) => {
    setClientId(id);
    rememberClient(id);
  };

  return (
    <Screen title="Connect an agent" lead="Your agent remembers in about a minute, in every folder.">
      <ol className="steps">
        <li>
          <h2>Choose your client</h2>
          <ChooseClient value={clientId} onChange={choose} />
        </li>
        {isAppClient(clientId) ? (
          <AppSteps id={clientId} firstPrompt={FIRST_PROMPT} />
        ) : (
          <>
            {setup?.command && (
              <li>
                <h2>Run one command</h2>
                <div className="stack">
                  <Snippet text={setup.command} label={`the setup command for ${setup.client}`} />
                  <p className="detail">
                    It needs Node 20.19 or newer. It asks here for your approval, shows what it would change in the
                    settings of {setup.client}, and keeps a copy of them. Then go on with the last step.
                  </p>
                </div>
              </li>
            )}
            <li>
              <h2>{setup?.command ? 'Or by hand: give it a key' : 'Give it a key'}</h2>
              <Loaded result={keys}>
                {(list) => (
                  <ChooseKey
                    keys={list.results.filter(({ active }) => active)}
                    suggestedName={setup?.client ?? 'My agent'}
                    chosen={chosen}
                    onChoose={setChosen}
                  />
                )}
              </Loaded>
            </li>
            {setup && (
              <li>
                <h2>Add the server to {setup.client}</h2>
                <div className="stack">
                  {!chosen && (
                    <p className="detail">
                      Choose a key first, and it stands in the text below. Or put your own in place of {KEY_PLACEHOLDER}
                      .
                    </p>
                  )}
                  {setup.link && (
                    <p>
                      <a className="button primary" href={setup.link}>
                        Add to {setup.client}
                      </a>
                    </p>
                  )}
                  <p>
                    {setup.link ? 'Or ' : ''}
                    {capitalized(setup.how, !setup.link)}:
                  </p>
                  <Snippet text={setup.text} label={`the text for ${setup.client}`} />
                  {setup.next && <p className="detail">{setup.next}</p>}
                  {!setup.isTried && (
                    <p className="detail">
                      This entry follows the documentation of {setup.client}, which we could not run ourselves.
                    </p>
                  )}
                </div>
              </li>
            )}
            <li>
              <h2>Say the first thing to remember</h2>
              <div className="stack">
                <p>Restart the client if it was open, then say to your agent:</p>
                <Snippet text={FIRST_PROMPT} label="the first prompt" />
                <FirstCall chosen={chosen} />
              </div>
            </li>
          </>
        )}
      </ol>
      <Callout>
        Every guide, the tools with their arguments, and the REST API are in <a href="/docs">the docs</a>.
      </Callout>
    </Screen>
  );
}

const STORED = 'wm-client';

function rememberedClient(): string {
  try {
    return localStorage.getItem(STORED) ?? 'claude-code';
  } catch {
    return 'claude-code';
  }
}

function rememberClient(id: string): void {
  try {
    localStorage.setItem(STORED, id);
  } catch {
    // Storage is blocked: the choice holds until the page is left.
  }
}

function capitalized(text: string, isFirst: boolean): string {
  return isFirst ? `${text.charAt(0).toUpperCase()}${text.slice(1)}` : text;
}
