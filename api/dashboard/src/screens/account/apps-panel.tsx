import { useState } from 'react';
import type { OutputOf } from '../../api/client.ts';
import { useAction, useOperation } from '../../api/hooks.ts';
import { Button, ButtonLink } from '../../components/button.tsx';
import { ConfirmDialog } from '../../components/dialog.tsx';
import { Badge } from '../../components/feedback.tsx';
import { formatDate, Time } from '../../components/format.tsx';
import { Loaded } from '../../components/screen.tsx';
import { notifyDone } from '../../components/toasts.tsx';
import { projectsInWords } from '../keys/project-picker.tsx';
import { SCOPES } from '../keys/scopes.ts';

type App = OutputOf<'apps.list'>['results'][number];

/** Renders the apps that are connected by OAuth, each with a button that disconnects it. */
export function AppsPanel() {
  const [asking, setAsking] = useState<App>();
  const apps = useOperation('apps.list', {}, { isLive: true });
  const revoke = useAction('apps.revoke', {
    changes: ['apps.list', 'user.audit_log'],
    onSuccess: () => {
      notifyDone('The app was disconnected');
      setAsking(undefined);
    },
  });
  return (
    <section className="panel" id="apps" aria-labelledby="apps-title">
      <div className="row spread">
        <h2 id="apps-title">Connected apps</h2>
        <ButtonLink href="/app/connect">Connect an app</ButtonLink>
      </div>
      <Loaded result={apps}>
        {({ results }) =>
          results.length === 0 ? (
            <p className="detail">
              None. Apps such as Claude.ai and ChatGPT connect without a key, and are listed here afterwards.
            </p>
          ) : (
            <ul className="entries">
              {results.map((app) => (
                <li key={app.id}>
                  <div className="grow">
                    <div className="row">
                      <strong>{app.name}</strong>
                      <span className="detail">{app.host === 'localhost' ? 'on a computer of yours' : app.host}</span>
                      {app.scopes.map((scope) => (
                        <Badge key={scope}>{SCOPES.find((known) => known.scope === scope)?.label ?? scope}</Badge>
                      ))}
                    </div>
                    <p className="detail">
                      {app.last_used_at ? (
                        <>
                          Last used <Time iso={app.last_used_at} />
                        </>
                      ) : (
                        'Not used yet'
                      )}
                      , connected {formatDate(app.created_at)}
                      {app.projects && `, only ${projectsInWords(app.projects)}`}
                    </p>
                  </div>
                  <Button aria-label={`Disconnect ${app.name}`} onPress={() => setAsking(app)}>
                    Disconnect
                  </Button>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      <ConfirmDialog
        title={`Disconnect ${asking?.name ?? 'the app'}?`}
        action="Disconnect"
        isOpen={asking !== undefined}
        isPending={revoke.isPending}
        onConfirm={() => asking && revoke.mutate({ id: asking.id })}
        onClose={() => setAsking(undefined)}
      >
        <p>Its next call is rejected. What it stored stays. It can be connected again, and then asks you first.</p>
      </ConfirmDialog>
    </section>
  );
}
