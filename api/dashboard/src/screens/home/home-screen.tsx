import { Link } from '@tanstack/react-router';
import type { OutputOf } from '../../api/client.ts';
import { useOperation } from '../../api/hooks.ts';
import { CallStatus, formatClient } from '../../components/calls.tsx';
import { excerptOf } from '../../components/excerpt.ts';
import { Badge, Callout, EmptyState } from '../../components/feedback.tsx';
import { formatMs, Time } from '../../components/format.tsx';
import { PlanMeters } from '../../components/plan-meters.tsx';
import { Loaded, Screen } from '../../components/screen.tsx';
import './home.css';

type Overview = OutputOf<'user.overview'>;

/** Milliseconds between reads while the screen is open. */
const REFRESH_MS = 30_000;
const CALLOUTS = { critical: 'error', warning: 'warning', info: 'info' } as const;

/** Renders today against the plan, what needs attention, the newest memories and the last calls. */
export function HomeScreen() {
  const overview = useOperation('user.overview', {}, { refetchInterval: REFRESH_MS, isLive: true });
  return (
    <Screen title="Home">
      <Loaded result={overview}>
        {({ plan, attention, memories, requests }) => (
          <div className="stack">
            <Attention attention={attention} />
            <PlanMeters plan={plan} links={<Link to="/usage">Usage</Link>}>
              Calls are counted again from zero <Time iso={plan.calls_today.resets_at} /> (00:00 UTC).
            </PlanMeters>
            <div className="home-columns">
              <NewestMemories memories={memories} />
              <LastCalls requests={requests} />
            </div>
          </div>
        )}
      </Loaded>
    </Screen>
  );
}

function Attention({ attention }: Pick<Overview, 'attention'>) {
  if (attention.length === 0) return null;
  return (
    <section className="stack small" aria-label="Needs attention">
      {attention.map(({ kind, severity, message, link }) => (
        <Callout key={`${kind} ${message}`} kind={CALLOUTS[severity]}>
          <div className="attention">
            <span>{message}</span>
            {link && <a href={link.href}>{link.label}</a>}
          </div>
        </Callout>
      ))}
    </section>
  );
}

function NewestMemories({ memories }: Pick<Overview, 'memories'>) {
  if (memories === null) return null;
  return (
    <section className="panel stack" aria-label="Newest memories">
      <div className="row spread">
        <h2>Newest memories</h2>
        {memories.length > 0 && <Link to="/memories">All memories</Link>}
      </div>
      {memories.length === 0 ? (
        <EmptyState title="No memories yet" action={<Link to="/connect">Connect an agent</Link>}>
          What your agents remember appears here.
        </EmptyState>
      ) : (
        <ul className="plain-list">
          {memories.map(({ id, title, excerpt, project, created_at }) => (
            <li key={id}>
              <Link to="/memories/$id" params={{ id }} className="home-title">
                {title}
              </Link>
              <p className="detail home-excerpt">{excerptOf({ title, content: excerpt })}</p>
              <p className="detail row">
                <Time iso={created_at} />
                {project && <Badge>{project}</Badge>}
              </p>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function LastCalls({ requests }: Pick<Overview, 'requests'>) {
  return (
    <section className="panel stack" aria-label="Last calls">
      <div className="row spread">
        <h2>Last calls</h2>
        {requests.length > 0 && <Link to="/requests">Request log</Link>}
      </div>
      {requests.length === 0 ? (
        <EmptyState title="No calls in the last 7 days" action={<Link to="/connect">Connect an agent</Link>}>
          Each call of your agents and programs appears here.
        </EmptyState>
      ) : (
        <ul className="plain-list">
          {requests.map(({ id, endpoint, client, status, code, duration_ms, at }) => (
            <li key={id}>
              <div className="row spread">
                <code className="home-call">{endpoint}</code>
                <CallStatus status={status} code={code} />
              </div>
              <p className="detail">
                {formatClient(client)} · <Time iso={at} /> · {formatMs(duration_ms)}
              </p>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
