import { afterEach, beforeEach, expect, vi } from "vitest";
import { createRetirementWorld, type RetirementWorld, type WorldAgent } from "../../fakes/retirement-world.ts";
import { passTimeUntil } from "../../fakes/step-functions.ts";

/** In seconds. */
export const hour = 3600;
/** The world of the test that runs, see {@link eachInWorld}. */
export let world: RetirementWorld;
/** Its first agent. */
export let agent: WorldAgent;
let startedAt: number;

/** Has each test of the file begin in a world of its own with one agent on an instance, and end without a fault in it. */
export function eachInWorld(more: { readonly asksInstances?: boolean } = {}): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], now: new Date("2026-01-01T00:00:00Z") });
    startedAt = Date.now();
    begin(more);
  });

  afterEach(() => {
    expect(world.faults()).toEqual([]);
    vi.useRealTimers();
  });
}

/** Puts another world in its place. */
export function begin(more: { readonly asksInstances?: boolean; readonly min?: number }): void {
  world = createRetirementWorld({ place: "asg", ...more });
  agent = world.addAgent("i-0123456789abcdef0");
}

/** Since the test began. */
export const seconds = () => (Date.now() - startedAt) / 1000;

/** Has something happen so many seconds from now. */
export const later = (afterSeconds: number, happen: () => void) => setTimeout(happen, afterSeconds * 1000);

/** Lets time pass until no execution is under way; resolves to all there were. */
export const settled = () => passTimeUntil(world.settled());

/** How often a call was made. */
export const times = (call: string) => world.calls.filter((each) => each === call).length;
