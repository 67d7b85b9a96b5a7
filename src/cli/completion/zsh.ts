import {
  type CompletedCommand,
  type CompletedOption,
  completedCommands,
  executorOptions,
  firstWords,
  type Value,
} from './grammar';

export function zshScripts(): { readonly fdgraft: string; readonly executor: string } {
  return {
    fdgraft: `#compdef fdgraft\n${fdgraftPart()}`,
    executor: `#compdef fdgraft-exec\n${executorPart()}`,
  };
}

export function zshScript(): string {
  return `#compdef fdgraft fdgraft-exec\n${fdgraftPart()}\n${executorPart()}`;
}

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
/** For _arguments and _describe, which take these characters for their own. */
const escapeText = (text: string) => text.replace(/[\\[\]:]/g, '\\$&');

function action({ kind, choices }: Value): string {
  if (kind === 'choice') return `(${choices.join(' ')})`;
  if (kind === 'spec') return '__fdgraft_specs';
  if (kind === 'directory') return '_files -/';
  return kind === 'file' ? '_files' : ' ';
}

function optionSpecs({ names, describe, value, isRepeatable }: CompletedOption): string[] {
  const others = isRepeatable ? '*' : names.length > 1 ? `(${names.join(' ')})` : '';
  return names.map((name) => {
    const told = `[${escapeText(describe)}]`;
    if (value === undefined) return quote(`${others}${name}${told}`);
    const sign = !name.startsWith('--') ? '+' : value.isOptional ? '=-' : '=';
    return quote(`${others}${name}${sign}${told}${value.isOptional ? '::' : ':'}${value.name}:${action(value)}`);
  });
}

function positionalSpecs({ positionals, isOpen }: CompletedCommand): string[] {
  return positionals.map((value, i) => quote(`${isOpen ? '*' : i + 1}:${value.name}:${action(value)}`));
}

const argumentsOf = (specs: readonly string[], indent: string) =>
  ['_arguments -s -S :', ...specs].join(` \\\n${indent}  `);

function branch(command: CompletedCommand, indent: string): string {
  const specs = [...command.options.flatMap(optionSpecs), ...positionalSpecs(command)];
  return `${indent}${command.words.at(-1)})\n${indent}  ${argumentsOf(specs, `${indent}  `)}\n${indent}  ;;`;
}

function described(words: readonly { readonly word: string; readonly describe: string }[]): string {
  return words.map(({ word, describe }) => quote(`${word}:${escapeText(describe)}`)).join(' ');
}

function fdgraftPart(): string {
  const commands = completedCommands();
  const below = commands.filter(({ words }) => words.length > 1);
  const single = commands.filter(({ words }) => words.length === 1);
  return `# The specs are data: zsh quotes them.
__fdgraft_specs() {
  local -a specs
  specs=("\${(@f)$(command fdgraft completion zsh -- "\${(@)_fdgraft_line}" "$PREFIX" 2>/dev/null </dev/null)}")
  specs=("\${(@)specs:#}")
  compadd -V specs -a specs
}

_fdgraft() {
  local curcontext="$curcontext" state line
  local -A opt_args
  local -a commands _fdgraft_line
  _fdgraft_line=("\${(@)words[1,CURRENT-1]}")
  _arguments -C '(- *)--help[Print the help]' '(- *)--version[Print the version]' '1:command:->command' '*::arguments:->arguments' && return
  case $state in
    command)
      commands=(${described(firstWords())})
      _describe command commands
      ;;
    arguments)
      case $words[1] in
${single.map((one) => branch(one, '        ')).join('\n')}
        batch)
          _arguments -C '1:command:->command' '*::arguments:->arguments' && return
          case $state in
            command)
              commands=(${described(below.map(({ words, describe }) => ({ word: words[1] as string, describe })))})
              _describe command commands
              ;;
            arguments)
              case $words[1] in
${below.map((one) => branch(one, '                ')).join('\n')}
              esac
              ;;
          esac
          ;;
      esac
      ;;
  esac
}

${ending('_fdgraft', 'fdgraft')}`;
}

function executorPart(): string {
  const specs = [
    ...executorOptions().flatMap(optionSpecs),
    "'(-)1:command:_command_names -e'",
    "'*::arguments:_normal'",
  ];
  return `_fdgraft-exec() {
  ${argumentsOf(specs, '  ').replace(' -s', '')}
}

${ending('_fdgraft-exec', 'fdgraft-exec')}`;
}

/** zsh runs the file at the first completion; `source` only has to register the function. */
function ending(name: string, command: string): string {
  return `if [[ $funcstack[1] == ${name} ]]; then
  ${name} "$@"
else
  compdef ${name} ${command}
fi
`;
}
