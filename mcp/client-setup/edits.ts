/** A value of a JSON or TOML file. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** How a client reaches the service. */
export type Connection =
  | { via: 'http'; url: string; authorization: string; project?: string | undefined }
  | { via: 'bridge'; command: string; args: string[]; env: Record<string, string> };

/** One change of a file. Each can be made, recognized as made, and taken back without the knowledge of its values. */
export type Edit = { file: string } & (
  | {
      /** Sets the value at a path of keys. */
      kind: 'set';
      format: 'json' | 'toml';
      at: string[];
      value: Json;
      /** Leaves the value when the change is taken back: others may need it. */
      isKept?: boolean;
    }
  | {
      /** Adds the items that the list at a path of keys lacks. */
      kind: 'items';
      at: string[];
      items: Json[];
      /** Recognizes an item of ours. */
      isOurs(item: unknown): boolean;
      /** Removes former items of ours that are not among these. */
      replacesOurs?: boolean;
      /** Leaves out the change where the list does not exist, because creating it would replace a setting kept elsewhere. */
      onlyIfPresent?: boolean;
    }
  | {
      /** Writes a file that holds nothing else. */
      kind: 'file';
      content: string;
    }
  | {
      /** Adds a section to a Markdown file, between two comments that mark it as ours. */
      kind: 'section';
      text: string;
    }
);

/** Folders of a user, from which the paths of client files start. */
export interface Folders {
  home: string;
  /** Settings of desktop programs: `~/.config`, `~/Library/Application Support` or `%APPDATA%`. */
  appData: string;
  /** `$XDG_CONFIG_HOME`, or `~/.config` on every system. */
  xdg: string;
  /** Reads an environment variable that moves the folder of a client. */
  env(name: string): string | undefined;
}

/** The folders as a person writes them, for texts. */
export const WRITTEN_FOLDERS: Folders = { home: '~', appData: '~/.config', xdg: '~/.config', env: () => undefined };
