import { Link } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import type { OutputOf } from '../../api/client.ts';
import { useOperationPages } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { EmptyState, ErrorPanel, Progress } from '../../components/feedback.tsx';
import { formatNumber, Time } from '../../components/format.tsx';
import { Screen } from '../../components/screen.tsx';
import { perform, write } from './acts.ts';
import { TextDiff } from './diff-view.tsx';
import './memories.css';
import { MemoriesNav } from './memories-nav.tsx';

type Group = OutputOf<'memories.near_duplicates'>['results'][number];
type Entry = Omit<Group, 'similar'>;
interface Pair {
  newer: Entry;
  older: Group['similar'][number];
}

/** Blocks that are compared in a row without finding a pair, before the reader is asked. */
const BLOCKS_MAX = 25;
/** Pairs after which the reader is asked. */
const PAIRS_MAX = 20;

/** Renders pairs of memories that say nearly the same, side by side, to keep one of them. */
export function DuplicatesScreen() {
  const blocks = useOperationPages('memories.near_duplicates', { limit: 20 });
  const [settled, setSettled] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState(1);
  const pages = blocks.data?.pages ?? [];
  const pairs = useMemo(
    () =>
      pages.flatMap(({ results }) =>
        results.flatMap(({ similar, ...newer }) => similar.map((older) => ({ newer, older }))),
      ),
    [pages],
  );
  const compared = pages.reduce((sum, page) => sum + page.compared, 0);
  const open = pairs.filter(
    ({ newer, older }) => !settled.has(newer.id) && !settled.has(older.id) && !settled.has(pairKey({ newer, older })),
  );
  const { hasNextPage, isFetching, error, fetchNextPage } = blocks;
  const goesOn = hasNextPage && pages.length < asked * BLOCKS_MAX && open.length < asked * PAIRS_MAX;
  useEffect(() => {
    if (goesOn && !isFetching && !error) void fetchNextPage();
  }, [goesOn, isFetching, error, fetchNextPage]);
  const settle = (key: string, isSettled: boolean) =>
    setSettled((former) => {
      const next = new Set(former);
      if (isSettled) next.add(key);
      else next.delete(key);
      return next;
    });
  const keep = (pair: Pair, archived: Entry) => {
    const key = archived.id;
    settle(key, true);
    const kept = archived === pair.newer ? pair.older : pair.newer;
    void perform(
      `Kept “${kept.title}”, and archived the other`,
      () => write('memories.delete', { id: key }),
      async () => {
        await write('memories.restore', { id: key });
        settle(key, false);
      },
    ).then((isDone) => !isDone && settle(key, false));
  };
  return (
    <Screen
      title="Near-duplicates"
      lead="Memories of one project that share most of their words. The one that you do not keep is archived."
    >
      <MemoriesNav />
      <div className="stack">
        {(goesOn || isFetching) && <Progress label={`${formatNumber(compared)} memories compared`} />}
        {error && <ErrorPanel error={error as never} onRetry={() => fetchNextPage()} />}
        {open.map((pair) => (
          <PairPanel
            key={pairKey(pair)}
            pair={pair}
            onArchive={(one) => keep(pair, one)}
            onKeepBoth={() => settle(pairKey(pair), true)}
          />
        ))}
        {!goesOn && !isFetching && !error && (
          <>
            {open.length === 0 && (
              <EmptyState title="No near-duplicates">
                {hasNextPage ? 'None among the newest memories.' : 'No two active memories say nearly the same.'}
              </EmptyState>
            )}
            {hasNextPage && (
              <div className="more">
                <Button onPress={() => setAsked(asked + 1)}>Compare older memories</Button>
              </div>
            )}
          </>
        )}
      </div>
    </Screen>
  );
}

function pairKey({ newer, older }: Pair): string {
  return `${newer.id} ${older.id}`;
}

interface PairPanelProps {
  pair: Pair;
  onArchive: (archived: Entry) => void;
  onKeepBoth: () => void;
}

function PairPanel({ pair, onArchive, onKeepBoth }: PairPanelProps) {
  const { newer, older } = pair;
  const [isCompared, setCompared] = useState(false);
  return (
    <section className="panel stack" aria-label={`Near-duplicates: ${newer.title}`}>
      <div className="row spread">
        <span className="detail">{Math.round(older.score * 100)} % common words</span>
        <span className="row">
          <Button variant="plain" onPress={() => setCompared(!isCompared)}>
            {isCompared ? 'Side by side' : 'Show differences'}
          </Button>
          <Button variant="plain" onPress={onKeepBoth}>
            Keep both
          </Button>
        </span>
      </div>
      {isCompared && <TextDiff from={older.excerpt} to={newer.excerpt} />}
      <div className="pair">
        <PairSide entry={older} label="Older" isTextShown={!isCompared} onKeep={() => onArchive(newer)} />
        <PairSide entry={newer} label="Newer" isTextShown={!isCompared} onKeep={() => onArchive(older)} />
      </div>
    </section>
  );
}

interface PairSideProps {
  entry: Entry;
  label: string;
  isTextShown: boolean;
  onKeep: () => void;
}

function PairSide({ entry, label, isTextShown, onKeep }: PairSideProps) {
  return (
    <article className="pair-side">
      <h2>
        <Link to="/memories/$id" params={{ id: entry.id }}>
          {entry.title}
        </Link>
      </h2>
      <p className="detail">
        {label}, <Time iso={entry.created_at} />
        {entry.project !== null && `, ${entry.project}`}
      </p>
      {isTextShown && <p className="pair-text">{entry.excerpt}</p>}
      {entry.tags.length > 0 && <p className="detail clipped">{entry.tags.join(', ')}</p>}
      <Button onPress={onKeep} aria-label={`Keep this one: ${entry.title}, ${label.toLowerCase()}`}>
        Keep this one
      </Button>
    </article>
  );
}
