import { readFileSync } from 'node:fs';

/** What one target of the Dockerfile adds to the stage it is built from. */
export interface ImageTarget {
  /** The environment that `ENV` sets. */
  env: Record<string, string>;
  /** `CMD`, as the container's process. */
  command: string[];
  /** `HEALTHCHECK`, as the process that asks; undefined where there is none. */
  healthCheck: string[] | undefined;
}

/** The final images of the Dockerfile, by target name; of its syntax it knows what our file uses. */
export function imageTargets(): Record<string, ImageTarget> {
  const text = readFileSync('Dockerfile', 'utf8').replaceAll(/\\\n\s*/g, '');
  const stages = text.split(/^FROM /m).slice(1);
  return Object.fromEntries(
    stages
      .map((stage) => ({ stage, name: /^runtime AS (\S+)/.exec(stage)?.[1] }))
      .filter((target): target is { stage: string; name: string } => target.name !== undefined)
      .map(({ stage, name }) => [name, target(stage)]),
  );
}

function target(stage: string): ImageTarget {
  const env = [...stage.matchAll(/^ENV (.*)$/gm)].flatMap(([, pairs = '']) =>
    pairs.split(' ').map((pair) => pair.split('=') as [string, string]),
  );
  const words = (pattern: RegExp): string[] | undefined => {
    const [, json] = pattern.exec(stage) ?? [];
    return json === undefined ? undefined : (JSON.parse(json) as string[]);
  };
  return {
    env: Object.fromEntries(env),
    command: words(/^CMD (\[.*\])$/m) ?? [],
    healthCheck: words(/^HEALTHCHECK .*?CMD (\[.*\])$/m),
  };
}
