/**
 * Property tests draw the same cases in every run: a change is green or red by itself, not by luck.
 * `PROPERTY_SEED=random` draws other ones, and a number repeats those of a failed run. The weekly workflow draws.
 */
import fc from "fast-check";

const given = process.env.PROPERTY_SEED ?? "20261130";
if (given !== "random" && !/^-?\d+$/.test(given)) {
  throw new Error(`PROPERTY_SEED is ${JSON.stringify(given)}: it must be "random" or a whole number`);
}
fc.configureGlobal({ ...fc.readConfigureGlobal(), ...(given === "random" ? {} : { seed: Number(given) }) });
