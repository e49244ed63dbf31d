import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { InputOf, OutputOf } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { CopyButton } from '../../components/copy.tsx';
import { Callout, EmptyState, Meter } from '../../components/feedback.tsx';
import { errorOf, Select, TextField } from '../../components/fields.tsx';
import { formatNumber } from '../../components/format.tsx';
import { Screen } from '../../components/screen.tsx';
import { memoriesText } from './count-text.ts';
import './memories.css';
import { MemoriesNav } from './memories-nav.tsx';
import { ProjectSelect } from './project-select.tsx';
import { NO_PROJECT } from './search-params.ts';

const TIERS = [
  { value: 'none', label: 'As much as fits the budget' },
  { value: '0', label: 'Tier 0, smallest' },
  { value: '1', label: 'Tier 1' },
  { value: '2', label: 'Tier 2, largest' },
] as const;
const BUDGET = 2_000;

/** Shows the context package that an agent gets for a query and a token budget, with its token count. */
export function ContextScreen() {
  const [query, setQuery] = useState('');
  const [budget, setBudget] = useState(String(BUDGET));
  const [tier, setTier] = useState<(typeof TIERS)[number]['value']>('none');
  const [project, setProject] = useState<string>();
  const context = useAction('search.context', { changes: [], showsErrors: true });
  const { data, error } = context;
  const tokens = Number(budget) || BUDGET;
  const submit = () => {
    const input: InputOf<'search.context'> = {
      max_tokens: Math.round(tokens),
      ...(query.trim() !== '' && { query }),
      ...(tier !== 'none' && { tier: Number(tier) as 0 | 1 | 2 }),
      ...(project && { project: project === NO_PROJECT ? null : project }),
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    };
    context.mutate(input);
  };
  return (
    <Screen title="Context preview" lead="What an agent gets when it asks for context, to the token.">
      <MemoriesNav />
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <TextField
          label="Task or question"
          value={query}
          onChange={setQuery}
          placeholder="Fix the deploy script"
          description="Without one, the newest memories."
          error={errorOf(error, 'query')}
        />
        <div className="columns narrow">
          <TextField
            label="Token budget"
            type="number"
            inputMode="numeric"
            value={budget}
            onChange={setBudget}
            error={errorOf(error, 'max_tokens')}
          />
          <Select label="Size" value={tier} choices={TIERS} onChange={setTier} />
          <ProjectSelect label="Project" value={project} anyLabel="Any project" onChange={setProject} />
        </div>
        <div>
          <Button variant="primary" type="submit" isPending={context.isPending}>
            Show context
          </Button>
        </div>
      </form>
      {error && error.fields.length === 0 && <Callout kind="error">{error.message}</Callout>}
      {data && <ContextResult result={data} budget={Math.min(100_000, Math.max(50, tokens))} />}
    </Screen>
  );
}

function ContextResult({ result, budget }: { result: OutputOf<'search.context'>; budget: number }) {
  const { context, tokens, memory_ids, truncated, repeats = [], reason } = result;
  if (reason) {
    return (
      <EmptyState title={reason === 'nothing_stored' ? 'No memories yet' : 'No memories match'}>
        {reason === 'nothing_stored' ? 'Connect an agent, and let it remember something.' : 'Try another query.'}
      </EmptyState>
    );
  }
  return (
    <section className="panel stack context-result" aria-label="Context package">
      <Meter
        label="Tokens"
        used={tokens}
        // A full package is what was asked for, not a limit that is reached.
        limit={budget * 1.3}
        text={`${formatNumber(tokens)} of ${formatNumber(budget)} tokens (o200k_base)`}
      />
      <p className="detail">
        {memoriesText(memory_ids.length)}.{truncated && ' Some that match were cut or left out.'}
        {repeats.length > 0 && ` ${memoriesText(repeats.length)} left out as repeats.`}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a block that scrolls must be reachable by keyboard */}
      <pre className="context-text" tabIndex={0}>
        {context}
      </pre>
      <div className="row spread">
        <span className="row">
          {memory_ids.slice(0, 20).map((id, index) => (
            <Link key={id} to="/memories/$id" params={{ id }} aria-label={`Memory ${index + 1} of the package`}>
              {index + 1}
            </Link>
          ))}
        </span>
        <CopyButton text={context} label="the context" />
      </div>
    </section>
  );
}
