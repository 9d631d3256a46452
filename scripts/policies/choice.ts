import { type ComparedPolicy, type Figures, policies, traces } from "./figures.ts";

/** What a call of `npm run policies` is to run. */
export interface Choice {
  readonly traces: readonly (typeof traces)[number][];
  readonly policies: readonly ComparedPolicy[];
  readonly seed: number;
  /** The log of jobs of `nasa`. Left out: that trace keeps its figures. */
  readonly nasa: string | undefined;
}

/** A call that cannot be run. Its message says why. */
export class ChoiceError extends Error {
  override readonly name = "ChoiceError";
}

/** Values of the options, as they were typed. */
export interface GivenOptions {
  readonly nasa?: string;
  readonly traces?: string;
  readonly policies?: string;
  readonly seed: string;
}

/** Reads the options. @param known the figures that traces and policies keep if they are not run @throws ChoiceError */
export function choiceFrom(values: GivenOptions, known: Pick<Figures, "seed"> | undefined): Choice {
  const seed = Number(values.seed);
  if (!/^\d+$/.test(values.seed)) throw new ChoiceError(`--seed ${values.seed} is no whole number`);
  const chosen = {
    traces: chosenOf("--traces", values.traces, traces, ({ name }) => name).filter(
      ({ name }) => name !== "nasa" || values.nasa !== undefined,
    ),
    policies: chosenOf("--policies", values.policies, policies, ({ key }) => key),
  };
  const isWhole = chosen.traces.length === traces.length && chosen.policies.length === policies.length;
  if (!isWhole && known?.seed !== seed) {
    const why = known ? `the figures that stay have seed ${known.seed}` : "there are no figures yet";
    throw new ChoiceError(`${why}: run all traces and policies, with --nasa`);
  }
  return { ...chosen, seed, nasa: values.nasa };
}

function chosenOf<Item>(
  option: string,
  text: string | undefined,
  all: readonly Item[],
  nameOf: (item: Item) => string,
): readonly Item[] {
  const names = text?.split(",") ?? all.map(nameOf);
  const unknown = names.find((name) => !all.some((item) => nameOf(item) === name));
  if (unknown === undefined) return all.filter((item) => names.includes(nameOf(item)));
  throw new ChoiceError(`${option} has no ${unknown}: choose of ${all.map(nameOf).join(", ")}`);
}
