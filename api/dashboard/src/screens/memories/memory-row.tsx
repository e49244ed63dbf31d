import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { OutputOf } from '../../api/client.ts';
import { Badge } from '../../components/feedback.tsx';
import { Checkbox } from '../../components/fields.tsx';
import { Time } from '../../components/format.tsx';
import { entryElementId } from './use-list-keys.ts';

/** Tags that a row shows; the others are a number. */
const TAGS_SHOWN = 4;

export type ListedMemory = OutputOf<'memories.list'>['results'][number];
type Marked = Pick<ListedMemory, 'type' | 'status' | 'superseded_by' | 'expires_at'>;

interface MemoryRowProps {
  memory: Pick<ListedMemory, 'id' | 'title' | 'tags' | 'project'> & Marked;
  /** Time that the row shows. */
  time: string;
  isSelected: boolean;
  isCurrent: boolean;
  onToggle: (id: string) => void;
  /** The text below the title. */
  children: ReactNode;
}

/** Renders a memory of a list: its title opens it, its checkbox selects it. */
export function MemoryRow({ memory, time, isSelected, isCurrent, onToggle, children }: MemoryRowProps) {
  const { id, title, tags, project } = memory;
  return (
    <article className={isCurrent ? 'memory-row current' : 'memory-row'} data-selected={isSelected || undefined}>
      <Checkbox aria-label={`Select ${title}`} isSelected={isSelected} onChange={() => onToggle(id)} />
      <div className="memory-row-main">
        <div className="memory-row-head">
          <Link to="/memories/$id" params={{ id }} id={entryElementId(id)} className="memory-row-title clipped">
            {title}
          </Link>
          <Marks memory={memory} />
          <span className="detail memory-row-time">
            <Time iso={time} />
          </span>
        </div>
        {children}
        <div className="memory-row-foot clipped">
          {project !== null && <span className="project-name">{project}</span>}
          {tags.slice(0, TAGS_SHOWN).map((tag) => (
            <span key={tag} className="tag">
              {tag}
            </span>
          ))}
          {tags.length > TAGS_SHOWN && <span>+{tags.length - TAGS_SHOWN}</span>}
        </div>
      </div>
    </article>
  );
}

/** Renders what distinguishes a memory from an ordinary one: archived, superseded, expired, long-term. */
export function Marks({ memory }: { memory: Marked }) {
  const isExpired = memory.expires_at !== null && new Date(memory.expires_at) <= new Date();
  return (
    <>
      {memory.status === 'archived' && <Badge>Archived</Badge>}
      {memory.superseded_by !== null && <Badge kind="warning">Superseded</Badge>}
      {isExpired && <Badge kind="warning">Expired</Badge>}
      {memory.type === 'long_term' && <Badge kind="accent">Long-term</Badge>}
    </>
  );
}
