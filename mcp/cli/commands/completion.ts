import { Argument, type Command } from 'commander';
import type { Cli } from '../cli.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
/** Commands whose argument is a file. */
const WITH_FILES = ['import', 'export'];

/** A command as a completion sees it. */
interface Entry {
  /** Words after the program, such as `keys create`; empty for the program itself. */
  path: string;
  about: string;
  /** Subcommands and choices of the argument, with what they are. */
  words: [string, string][];
  options: { long: string; short: string | undefined; about: string; hasValue: boolean }[];
}

/** Adds `whitemagic completion`. */
export function addCompletion(program: Command, cli: Cli): void {
  program
    .command('completion')
    .summary('print a completion script for a shell')
    .description(
      'Prints the script. bash: source <(whitemagic completion bash). zsh: source <(whitemagic completion zsh). fish: whitemagic completion fish > ~/.config/fish/completions/whitemagic.fish.',
    )
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action((shell: (typeof SHELLS)[number]) => {
      const entries = entriesOf(program, '');
      cli.print({ bash, zsh, fish }[shell](entries));
    });
}

function entriesOf(command: Command, path: string): Entry[] {
  const shown = command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== 'help');
  const choices = command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices);
  const options = command.options.map(({ long, short, description, required, optional }) => ({
    long: long ?? '',
    short,
    about: description,
    hasValue: required || optional,
  }));
  const own: Entry = {
    path,
    about: command.summary() || command.description(),
    words: [
      ...shown.map((each): [string, string] => [each.name(), each.summary()]),
      ...choices.map((word): [string, string] => [word, '']),
    ],
    options: [...options, { long: '--help', short: '-h', about: 'print help', hasValue: false }],
  };
  return [own, ...shown.flatMap((each) => entriesOf(each, `${path} ${each.name()}`.trim()))];
}

/** Returns the lines of a shell function that finds the command in the words before the cursor. */
function bash(entries: Entry[]): string {
  const names = entries.map(({ path }) => path).filter((path) => path !== '');
  const cases = entries.map(({ path, words, options }) => {
    const all = [...words.map(([word]) => word), ...options.map(({ long }) => long)].filter((word) => word !== '');
    return `    ${quote(path)}) words=${quote(all.join(' '))} ;;`;
  });
  return `_whitemagic() {
  local current=\${COMP_WORDS[COMP_CWORD]} path= words= word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${names.map(quote).join('|')}) path=\${path:+$path }$word ;;
    esac
  done
  case $path in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  case $path in ${WITH_FILES.join('|')}) [[ $current == -* ]] || COMPREPLY=($(compgen -f -- "$current")) ;; esac
}
complete -o filenames -F _whitemagic whitemagic`;
}

function zsh(entries: Entry[]): string {
  const names = entries.map(({ path }) => path).filter((path) => path !== '');
  const cases = entries.map(({ path, words, options }) => {
    const items = [...words, ...options.map(({ long, about }): [string, string] => [long, about])];
    const described = items.map(([word, about]) => quote(`${word.replaceAll(':', '\\:')}:${about}`));
    return `    ${quote(path)}) items=(${described.join(' ')}) ;;`;
  });
  return `#compdef whitemagic
_whitemagic() {
  local path_= word
  local -a items
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${path_:+$path_ }$word" in
      ${names.map(quote).join('|')}) path_=\${path_:+$path_ }$word ;;
    esac
  done
  case $path_ in
${cases.join('\n')}
  esac
  _describe 'whitemagic' items
  case $path_ in ${WITH_FILES.join('|')}) _files ;; esac
}
compdef _whitemagic whitemagic`;
}

function fish(entries: Entry[]): string {
  const lines = entries.flatMap(({ path, words, options }) => {
    const condition =
      path === ''
        ? '__fish_use_subcommand'
        : path
            .split(' ')
            .map((word) => `__fish_seen_subcommand_from ${word}`)
            .join('; and ');
    const start = `complete -c whitemagic -n ${quote(condition)}`;
    const isFile = WITH_FILES.includes(path) ? '' : ' -f';
    return [
      ...words.map(([word, about]) => `${start}${isFile} -a ${quote(word)} -d ${quote(about)}`),
      ...options.map(({ long, short, about, hasValue }) => {
        const names = [`-l ${long.slice(2)}`, ...(short ? [`-s ${short.slice(1)}`] : []), ...(hasValue ? ['-r'] : [])];
        return `${start} ${names.join(' ')} -d ${quote(about)}`;
      }),
    ];
  });
  return lines.join('\n');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
