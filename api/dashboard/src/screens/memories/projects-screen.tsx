import { Link } from '@tanstack/react-router';
import { MoreHorizontal } from 'lucide-react';
import { useState } from 'react';
import type { OutputOf } from '../../api/client.ts';
import { useOperationPages } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { type Column, DataTable } from '../../components/data-table.tsx';
import { Callout, EmptyState, ErrorPanel, Loading } from '../../components/feedback.tsx';
import { Checkbox, TextField } from '../../components/fields.tsx';
import { formatBytes, formatNumber, Time } from '../../components/format.tsx';
import { Menu } from '../../components/menu.tsx';
import { Screen } from '../../components/screen.tsx';
import { runOnIds, write } from './acts.ts';
import { ChangeDialog } from './change-dialog.tsx';
import './memories.css';
import { MemoriesNav } from './memories-nav.tsx';
import { NO_PROJECT } from './search-params.ts';
import { useSettled } from './use-settled.ts';

type Project = OutputOf<'projects.list'>['results'][number];
type Asked = { kind: 'rename' | 'delete'; name: string | null };

/** Renders the projects with their counts, to rename, merge, empty or delete one. */
export function ProjectsScreen() {
  const projects = useOperationPages('projects.list', { limit: 100 });
  const [asked, setAsked] = useState<Asked>();
  const rows = projects.data?.pages.flatMap(({ results }) => results) ?? [];
  return (
    <Screen title="Projects" lead="A project keeps the memories of one repository or subject together.">
      <MemoriesNav />
      {projects.error && !projects.data ? (
        <ErrorPanel error={projects.error as never} onRetry={() => projects.refetch()} />
      ) : !projects.data ? (
        <Loading label="Loading projects" lines={6} />
      ) : rows.length === 0 ? (
        <EmptyState title="No projects yet">Memories get one from the agent that stores them.</EmptyState>
      ) : (
        <div className="stack">
          <ProjectTable projects={rows} onAsk={setAsked} />
          {projects.hasNextPage && (
            <div className="more">
              <Button onPress={() => projects.fetchNextPage()} isPending={projects.isFetchingNextPage}>
                More projects
              </Button>
            </div>
          )}
        </div>
      )}
      {asked?.kind === 'rename' && <RenameProject name={asked.name} onClose={() => setAsked(undefined)} />}
      {asked?.kind === 'delete' && <DeleteProject name={asked.name} onClose={() => setAsked(undefined)} />}
    </Screen>
  );
}

function ProjectTable({ projects, onAsk }: { projects: readonly Project[]; onAsk: (asked: Asked) => void }) {
  return <DataTable label="Projects" columns={columnsOf(onAsk)} rows={projects} keyOf={({ name }) => name ?? ''} />;
}

function columnsOf(onAsk: (asked: Asked) => void): readonly Column<Project>[] {
  return [
    {
      label: 'Project',
      isRowHeader: true,
      value: ({ name }) => (
        <Link to="/memories" search={{ project: name ?? NO_PROJECT, status: 'all' }} className="project-link clipped">
          {name ?? 'No project'}
        </Link>
      ),
    },
    { label: 'Active', isNumber: true, value: ({ active }) => formatNumber(active) },
    { label: 'Archived', isNumber: true, value: ({ archived }) => formatNumber(archived) },
    { label: 'Size', isNumber: true, value: ({ bytes }) => formatBytes(bytes) },
    { label: 'Last edit', value: ({ updated_at: at }) => <Time iso={at} /> },
    {
      label: 'Actions',
      corner: 'actions',
      value: ({ name }) => (
        <Menu
          label={`Acts on ${name ?? 'the memories of no project'}`}
          actions={[
            {
              id: 'rename',
              label: name === null ? 'Move to a project' : 'Rename, merge or move',
              run: () => onAsk({ kind: 'rename', name }),
            },
            {
              id: 'delete',
              label: 'Archive or delete',
              run: () => onAsk({ kind: 'delete', name }),
              isDangerous: true,
            },
          ]}
        >
          <MoreHorizontal size={18} aria-hidden />
        </Menu>
      ),
    },
  ];
}

function RenameProject({ name, onClose }: { name: string | null; onClose: () => void }) {
  const [text, setText] = useState(name ?? '');
  const settled = useSettled(text.trim());
  const target = settled === '' ? null : settled;
  const isComplete = settled === text.trim() && target !== name;
  return (
    <ChangeDialog
      title={name === null ? 'Move the memories of no project' : `Rename “${name}”`}
      operation="projects.update"
      input={isComplete ? { name: name ?? NO_PROJECT, new_name: target } : undefined}
      act="Move"
      done={target === null ? `Memories of “${name}” have no project now` : `Memories moved to “${target}”`}
      prepare={async () => {
        const plan = await write('projects.update', { name: name ?? NO_PROJECT, new_name: target });
        return plan.merges ? [] : plan.bound_keys;
      }}
      undo={async ({ changed, duplicates }, boundKeys) => {
        // Keys follow a rename back, too.
        if (boundKeys.length > 0)
          await write('projects.update', { name: target ?? NO_PROJECT, new_name: name, dry_run: false });
        else await runOnIds(changed, { action: 'move', project: name });
        await runOnIds(duplicates, { action: 'restore' });
      }}
      onClose={onClose}
      remark={({ merges, bound_keys: keys }) => (
        <>
          {merges && (
            <p>
              {target === null
                ? 'They join the memories of no project.'
                : `“${target}” has memories already: the two become one.`}
            </p>
          )}
          {keys.length > 0 && (
            <p>
              {keys.length === 1 ? 'An API key is' : `${keys.length} API keys are`} bound to this project, and will be
              to the new name.
            </p>
          )}
        </>
      )}
    >
      <TextField
        label="New name"
        value={text}
        onChange={setText}
        autoFocus
        description="The name of another project merges the two. Leave it empty for no project."
      />
    </ChangeDialog>
  );
}

function DeleteProject({ name, onClose }: { name: string | null; onClose: () => void }) {
  const [permanent, setPermanent] = useState(false);
  const words = name === null ? 'the memories of no project' : `“${name}”`;
  return (
    <ChangeDialog
      title={`${permanent ? 'Delete' : 'Archive'} ${words}`}
      operation="projects.delete"
      input={{ name: name ?? NO_PROJECT, permanent }}
      act={permanent ? 'Delete for good' : 'Archive'}
      done={permanent ? `${words} deleted for good` : `${words} archived`}
      isDangerous={permanent}
      undo={permanent ? undefined : ({ changed }) => runOnIds(changed, { action: 'restore' })}
      onClose={onClose}
    >
      <Checkbox isSelected={permanent} onChange={setPermanent}>
        Delete for good, archived memories and versions too
      </Checkbox>
      {permanent && <Callout kind="warning">This cannot be undone; archiving can.</Callout>}
    </ChangeDialog>
  );
}
