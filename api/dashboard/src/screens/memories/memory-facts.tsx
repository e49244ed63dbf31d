import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { OutputOf } from '../../api/client.ts';
import { CopyButton } from '../../components/copy.tsx';
import { formatBytes, Time } from '../../components/format.tsx';

export type Memory = OutputOf<'memories.get'>;

/** Renders everything about a memory but its text. */
export function MemoryFacts({ memory }: { memory: Memory }) {
  const { tags, metadata, project, session_id, occurred_at, expires_at, consolidated_into } = memory;
  return (
    <aside className="panel stack memory-facts" aria-label="Facts">
      <dl className="facts">
        <Fact label="Project">
          {project === null ? (
            'None'
          ) : (
            <Link to="/memories" search={{ project }}>
              {project}
            </Link>
          )}
        </Fact>
        <Fact label="Tags">
          {tags.length === 0 && 'None'}
          <span className="chips">
            {tags.map((tag) => (
              <Link key={tag} to="/memories" search={{ tags: [tag] }} className="tag">
                {tag}
              </Link>
            ))}
          </span>
        </Fact>
        <Fact label="Type">{memory.type === 'long_term' ? 'Long-term' : 'Short-term'}</Fact>
        <Fact label="Created">
          <Time iso={memory.created_at} />
        </Fact>
        <Fact label="Edited">
          <Time iso={memory.updated_at} />
        </Fact>
        {occurred_at && (
          <Fact label="About">
            <Time iso={occurred_at} isExact />
          </Fact>
        )}
        {expires_at && (
          <Fact label="Expires">
            <Time iso={expires_at} isExact />
          </Fact>
        )}
        {session_id && <Fact label="Session">{session_id}</Fact>}
        {consolidated_into && (
          <Fact label="Contained in">
            <Link to="/memories/$id" params={{ id: consolidated_into }}>
              another memory
            </Link>
          </Fact>
        )}
        <Fact label="Size">{formatBytes(memory.size_bytes)}</Fact>
        <Fact label="Version">{memory.version}</Fact>
      </dl>
      {Object.keys(metadata).length > 0 && (
        <div className="stack small">
          <h2>Metadata</h2>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a block that scrolls must be reachable by keyboard */}
          <pre className="metadata" tabIndex={0}>
            {JSON.stringify(metadata, null, 2)}
          </pre>
        </div>
      )}
      <div className="row spread">
        <span className="mono detail memory-id">{memory.id}</span>
        <CopyButton text={memory.id} label="the id" />
      </div>
    </aside>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="fact">
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
