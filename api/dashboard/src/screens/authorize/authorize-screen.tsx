import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import type { OutputOf } from '../../api/client.ts';
import { useAction, useOperation } from '../../api/hooks.ts';
import { Button, ButtonLink } from '../../components/button.tsx';
import { Callout, EmptyState, Loading } from '../../components/feedback.tsx';
import { Checkbox, errorOf } from '../../components/fields.tsx';
import { Loaded, Screen } from '../../components/screen.tsx';
import { ProjectPicker } from '../keys/project-picker.tsx';
import { SCOPES } from '../keys/scopes.ts';
import './authorize.css';

type AppRequest = OutputOf<'apps.get_request'>;
type AppScope = AppRequest['scopes'][number];

const route = getRouteApi('/authorize/$id');

/** Asks a person to allow or deny what an app asks for, and leads back to the app. */
export function AuthorizeScreen() {
  const { id } = route.useParams();
  const request = useOperation('apps.get_request', { request: id });
  if (request.error?.status === 404) {
    return (
      <Screen title="Connect an app">
        <EmptyState
          title="This request has ended"
          action={<ButtonLink href="/app/account">See your connected apps</ButtonLink>}
        >
          It was decided already, or is older than an hour. Start again in the app.
        </EmptyState>
      </Screen>
    );
  }
  return (
    <Screen title="Connect an app">
      <Loaded result={request}>{(loaded) => <Consent request={loaded} />}</Loaded>
    </Screen>
  );
}

function Consent({ request }: { request: AppRequest }) {
  const me = useOperation('user.me', {});
  const [chosen, setChosen] = useState<readonly AppScope[]>(request.scopes);
  const [projects, setProjects] = useState<string[]>([]);
  const decide = useAction('apps.decide_request', {
    changes: ['apps.list'],
    onSuccess: ({ redirect_url }) => location.assign(redirect_url),
  });
  if (decide.isSuccess) {
    return (
      <EmptyState title={`Continue in ${request.name}`}>
        You may close this window. If the app does not answer, start again there.
      </EmptyState>
    );
  }
  const { id, name, host } = request;
  const publisher = request.client_id.startsWith('https://') ? new URL(request.client_id).host : undefined;
  return (
    <section className="panel consent" aria-labelledby="consent-title">
      <h2 id="consent-title">Allow {name} to use your memory?</h2>
      <dl className="facts">
        <div>
          <dt>App</dt>
          <dd>
            {name}{' '}
            <span className="detail">
              {publisher ? `published by ${publisher}` : 'the name that the app gave itself'}
            </span>
          </dd>
        </div>
        <div>
          <dt>Access goes to</dt>
          <dd>
            <strong>{host === 'localhost' ? 'a program on this computer' : host}</strong>
            {host.endsWith(':') && <span className="detail"> links, which a program on this computer opens</span>}
          </dd>
        </div>
        <div>
          <dt>Your account</dt>
          <dd>{me.data ? (me.data.email ?? me.data.id) : <Loading lines={1} />}</dd>
        </div>
      </dl>
      <fieldset className="scopes">
        <legend>It may</legend>
        {SCOPES.filter(({ scope }) => request.scopes.some((asked) => asked === scope)).map(({ scope, label }) => (
          <Checkbox
            key={scope}
            isSelected={chosen.some((one) => one === scope)}
            onChange={(isSelected) =>
              setChosen(
                request.scopes.filter((asked) => (asked === scope ? isSelected : chosen.some((one) => one === asked))),
              )
            }
          >
            {label}
          </Checkbox>
        ))}
      </fieldset>
      <ProjectPicker
        label="Projects"
        description="It sees and writes the memories of these only. None chosen: all projects."
        value={projects}
        onChange={setProjects}
        error={errorOf(decide.error, 'projects')}
      />
      <Callout>
        Allow it only if you started this yourself, in an app that you trust. Its calls count like those of a key. You
        can disconnect it at any time on the screen Account.
      </Callout>
      <div className="row">
        <Button
          variant="primary"
          isDisabled={chosen.length === 0}
          isPending={decide.isPending && decide.variables?.allowed === true}
          onPress={() =>
            decide.mutate({
              request: id,
              allowed: true,
              scopes: [...chosen],
              projects: projects.length > 0 ? projects : null,
            })
          }
        >
          Allow
        </Button>
        <Button
          isPending={decide.isPending && decide.variables?.allowed === false}
          onPress={() => decide.mutate({ request: id, allowed: false })}
        >
          Deny
        </Button>
      </div>
    </section>
  );
}
