import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { OutputOf } from '../../api/client.ts';
import { useOperation } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { EmptyState } from '../../components/feedback.tsx';
import { TextField } from '../../components/fields.tsx';
import { Loaded, Screen } from '../../components/screen.tsx';
import { perform, runOnIds, write } from './acts.ts';
import { memoriesText } from './count-text.ts';
import './memories.css';
import { MemoriesNav } from './memories-nav.tsx';
import { ProjectSelect } from './project-select.tsx';
import { NO_PROJECT } from './search-params.ts';
import { useSettled } from './use-settled.ts';

type Plan = OutputOf<'memories.consolidate'>;

/** Promoted memories that an undo sets back one by one. */
const PROMOTED_MAX = 100;

/** Previews and runs a consolidation: old short-term memories become long-term knowledge. */
export function ConsolidateScreen() {
  const [days, setDays] = useState('7');
  const [project, setProject] = useState<string>();
  const [isRunning, setRunning] = useState(false);
  const settled = useSettled(days);
  const age = Number(settled);
  const isValid = settled.trim() !== '' && age >= 0 && age <= 36_500;
  const input = { min_age_days: age, project: project === NO_PROJECT ? null : (project ?? '*') };
  const plan = useOperation('memories.consolidate', { ...input, dry_run: true }, { enabled: isValid });
  const run = async () => {
    setRunning(true);
    let result: Plan | undefined;
    await perform(
      'Consolidated',
      async () => {
        result = await write('memories.consolidate', { ...input, dry_run: false });
      },
      async () => result && undo(result),
    );
    setRunning(false);
    await plan.refetch();
  };
  return (
    <Screen
      title="Consolidate"
      lead="Short-term memories without an edit for a while become long-term: insights and decisions as they are, the others as digests. Search still finds each of them."
    >
      <MemoriesNav />
      <div className="stack">
        <div className="columns narrow">
          <TextField
            label="Days without an edit"
            type="number"
            inputMode="numeric"
            value={days}
            onChange={setDays}
            error={isValid ? undefined : 'must be 0 to 36,500 days'}
          />
          <ProjectSelect label="Project" value={project} anyLabel="All projects" onChange={setProject} />
        </div>
        {isValid && (
          <Loaded result={plan}>
            {(data) => <PlanReport plan={data} isRunning={isRunning || plan.isFetching} onRun={() => void run()} />}
          </Loaded>
        )}
      </div>
    </Screen>
  );
}

function PlanReport({ plan, isRunning, onRun }: { plan: Plan; isRunning: boolean; onRun: () => void }) {
  const { counts, digests, promoted, archived, remaining } = plan;
  if (counts.promoted + counts.archived === 0) {
    return <EmptyState title="Nothing to consolidate">No short-term memory is that old.</EmptyState>;
  }
  return (
    <div className="stack">
      <div className="panel row spread">
        <p>
          <strong>{memoriesText(counts.promoted)}</strong> would become long-term,{' '}
          <strong>{memoriesText(counts.archived)}</strong> would go into {counts.digests}{' '}
          {counts.digests === 1 ? 'digest' : 'digests'}.
          {remaining > 0 && ` ${memoriesText(remaining)} are left for another run.`}
        </p>
        <Button variant="primary" onPress={onRun} isPending={isRunning}>
          Consolidate now
        </Button>
      </div>
      <Titles
        title="Digests"
        entries={digests.map(({ title }, index) => ({ id: undefined, key: `${index}`, title }))}
      />
      <Titles title="Become long-term" entries={promoted.map(({ id, title }) => ({ id, key: id, title }))} />
      <Titles title="Go into digests" entries={archived.map(({ id, title }) => ({ id, key: id, title }))} />
    </div>
  );
}

/** Entries that a list shows; a run takes at most 500. */
const SHOWN_MAX = 100;

function Titles({
  title,
  entries,
}: {
  title: string;
  entries: readonly { id: string | undefined; key: string; title: string }[];
}) {
  if (entries.length === 0) return null;
  return (
    <section className="panel">
      <h2>
        {title} <span className="detail">({entries.length})</span>
      </h2>
      <ul className="titles">
        {entries.slice(0, SHOWN_MAX).map(({ id, key, title: name }) => (
          <li key={key} className="clipped">
            {id ? (
              <Link to="/memories/$id" params={{ id }}>
                {name}
              </Link>
            ) : (
              name
            )}
          </li>
        ))}
      </ul>
      {entries.length > SHOWN_MAX && <p className="detail">And {memoriesText(entries.length - SHOWN_MAX)} more.</p>}
    </section>
  );
}

/** Restores the memories that a consolidation archived, archives its digests, and makes promoted memories short-term again. */
async function undo({ archived, digests, promoted }: Plan): Promise<void> {
  await runOnIds(
    digests.flatMap(({ id }) => (id ? [id] : [])),
    { action: 'archive' },
  );
  await runOnIds(
    archived.map(({ id }) => id),
    { action: 'restore' },
  );
  for (const { id } of promoted.slice(0, PROMOTED_MAX)) await write('memories.update', { id, type: 'short_term' });
}
