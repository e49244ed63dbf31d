import { Upload } from 'lucide-react';
import { useState } from 'react';
import { DropZone, FileTrigger, Text } from 'react-aria-components';
import { ApiError } from '../../api/client.ts';
import { queryClient } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { Callout, Progress } from '../../components/feedback.tsx';
import { errorOf, TextField } from '../../components/fields.tsx';
import { MappingFields } from './mapping-fields.tsx';
import { type ImportOptions, uploadImport } from './upload.ts';

type Mapping = NonNullable<ImportOptions['mapping']>;

/** Renders the choice of a file, several files or a folder, by drop or dialog, and uploads it. */
export function ChooseFile({ onUploaded }: { onUploaded: (id: string) => void }) {
  const [project, setProject] = useState('');
  const [mapping, setMapping] = useState<Mapping>({});
  const [share, setShare] = useState<number>();
  const [error, setError] = useState<ApiError | null>(null);

  async function upload(files: readonly File[]): Promise<void> {
    if (files.length === 0) return;
    setError(null);
    setShare(0);
    try {
      const options = {
        ...(project.trim() !== '' && { project }),
        ...(Object.keys(mapping).length > 0 && { mapping }),
      };
      const id = await uploadImport(files, options, setShare);
      await queryClient.invalidateQueries({ queryKey: ['imports.list'] });
      onUploaded(id);
    } catch (thrown) {
      setError(thrown instanceof ApiError ? thrown : new ApiError(0, { detail: String(thrown) }));
    } finally {
      setShare(undefined);
    }
  }

  return (
    <div className="stack">
      <TextField
        label="Project"
        description="For the memories of the file that have none. Optional."
        value={project}
        onChange={setProject}
        error={errorOf(error, 'project')}
      />
      <MappingFields mapping={mapping} onChange={setMapping} />
      <DropZone
        className="import-drop"
        aria-label="Drop a file to import"
        onDrop={async ({ items }) => {
          const files = items.filter((item) => item.kind === 'file');
          upload(await Promise.all(files.map((item) => item.getFile())));
        }}
      >
        <Upload size={24} aria-hidden />
        <Text slot="label">Drop a file here. It is checked first: nothing is stored until you say so.</Text>
        <div className="row">
          <FileTrigger allowsMultiple onSelect={(list) => upload([...(list ?? [])])}>
            <Button variant="primary" isDisabled={share !== undefined}>
              Choose files
            </Button>
          </FileTrigger>
          <FileTrigger acceptDirectory onSelect={(list) => upload([...(list ?? [])])}>
            <Button isDisabled={share !== undefined}>Choose a folder</Button>
          </FileTrigger>
        </div>
      </DropZone>
      {share !== undefined && <Progress label="Uploading" percent={Math.floor(100 * share)} />}
      {error && !errorOf(error, 'project') && <Callout kind="error">{error.message}</Callout>}
    </div>
  );
}
