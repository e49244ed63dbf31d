import { useState } from 'react';
import type { InputOf } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { Callout } from '../../components/feedback.tsx';
import { errorOf, Select, TextField } from '../../components/fields.tsx';
import { Markdown } from '../../components/markdown.tsx';
import { notifyDone } from '../../components/toasts.tsx';
import { MEMORY_READS, perform, write } from './acts.ts';
import type { Memory } from './memory-facts.tsx';
import { TagPicker } from './tag-picker.tsx';
import { useSettled } from './use-settled.ts';

interface MemoryEditorProps {
  memory: Memory;
  onClose: () => void;
}

/** Edits a memory, with a preview beside the text. Saving keeps the former state as a version. */
export function MemoryEditor({ memory, onClose }: MemoryEditorProps) {
  // A change from elsewhere must not be overwritten: what is edited is the state that was opened.
  const [opened] = useState(memory);
  const [title, setTitle] = useState(opened.title);
  const [content, setContent] = useState(opened.content);
  const preview = useSettled(content);
  const [tags, setTags] = useState(opened.tags);
  const [project, setProject] = useState(opened.project ?? '');
  const [type, setType] = useState(opened.type);
  const [occurred, setOccurred] = useState(opened.occurred_at ?? '');
  const [expires, setExpires] = useState(opened.expires_at ?? '');
  const [metadata, setMetadata] = useState(JSON.stringify(opened.metadata, null, 2));
  const [metadataError, setMetadataError] = useState<string>();
  const save = useAction('memories.update', {
    changes: MEMORY_READS,
    showsErrors: true,
    onSuccess: ({ id, version }) => {
      const undo = () => perform('Undone', () => write('memories.restore', { id, version: opened.version }));
      notifyDone('Memory saved', version === opened.version ? undefined : () => void undo());
      onClose();
    },
  });
  const submit = () => {
    const parsed = parseObject(metadata);
    setMetadataError(parsed ? undefined : 'must be a JSON object, such as {"importance": 0.8}');
    if (!parsed) return;
    const changes: Partial<InputOf<'memories.update'>> = {
      ...(title !== opened.title && { title }),
      ...(content !== opened.content && { content }),
      ...(tags !== opened.tags && { tags }),
      ...(type !== opened.type && { type }),
      ...(project.trim() !== (opened.project ?? '') && { project: project.trim() || null }),
      ...(occurred.trim() !== (opened.occurred_at ?? '') && { occurred_at: occurred.trim() || null }),
      ...(expires.trim() !== (opened.expires_at ?? '') && { expires_at: expires.trim() || null }),
      ...(JSON.stringify(parsed) !== JSON.stringify(opened.metadata) && { metadata: parsed }),
    };
    save.mutate({ id: opened.id, if_version: opened.version, ...changes });
  };
  const { error } = save;
  const isStale = error?.code === 'precondition_failed';
  const isFieldError = error && error.fields.length > 0;
  return (
    <form
      className="stack editor"
      aria-label="Edit memory"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit();
        if (event.key === 'Escape' && !event.defaultPrevented && !document.querySelector('.popover')) onClose();
      }}
    >
      <TextField label="Title" value={title} onChange={setTitle} error={errorOf(error, 'title')} autoFocus />
      <div className="editor-columns">
        <TextField
          label="Content (Markdown)"
          rows={18}
          value={content}
          onChange={setContent}
          error={errorOf(error, 'content')}
        />
        <section className="field" aria-label="Preview">
          <strong>Preview</strong>
          <div className="editor-preview">
            <Markdown text={preview} />
          </div>
        </section>
      </div>
      <TagPicker label="Tags" value={tags} onChange={setTags} allowsNew />
      {errorOf(error, 'tags') && <Callout kind="error">Tags: {errorOf(error, 'tags')}</Callout>}
      <div className="columns">
        <TextField label="Project" value={project} onChange={setProject} error={errorOf(error, 'project')} />
        <Select
          label="Type"
          value={type}
          choices={[
            { value: 'short_term', label: 'Short-term' },
            { value: 'long_term', label: 'Long-term' },
          ]}
          onChange={setType}
        />
        <TextField
          label="Time of the event"
          value={occurred}
          onChange={setOccurred}
          placeholder="2026-11-29T14:30:00Z"
          error={errorOf(error, 'occurred_at')}
        />
        <TextField
          label="Expires"
          value={expires}
          onChange={setExpires}
          placeholder="2027-01-31"
          error={errorOf(error, 'expires_at')}
        />
      </div>
      <TextField
        label="Metadata (JSON)"
        rows={5}
        value={metadata}
        onChange={setMetadata}
        error={metadataError ?? errorOf(error, 'metadata')}
      />
      {isStale && (
        <Callout kind="warning">
          This memory was changed elsewhere while you edited it. Copy your text, cancel, and edit the present version.
        </Callout>
      )}
      {error && !isStale && !isFieldError && <Callout kind="error">{error.message}</Callout>}
      <div className="row">
        <Button variant="primary" type="submit" isPending={save.isPending}>
          Save
        </Button>
        <Button onPress={onClose}>Cancel</Button>
        <span className="detail">
          <kbd>Ctrl Enter</kbd> saves, <kbd>Esc</kbd> cancels
        </span>
      </div>
    </form>
  );
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text.trim() || '{}');
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
