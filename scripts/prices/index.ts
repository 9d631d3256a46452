export { agentPrice, type FixedPart, monthHours } from "./compute.ts";
export { instanceHour } from "./instances.ts";
export { readPrices } from "./read.ts";
export { listPrices, type Prices } from "./table.ts";
