import type { EcsCapacityConfig } from "../settings/ecs-capacity.ts";

/** One place to ask for a task. */
export interface Placement {
  readonly capacityProvider: string;
  readonly subnets: readonly string[];
}

/** Where launches fail: what is left out holds for every provider, or every subnet. */
export interface SickPlace {
  readonly capacityProvider?: string | undefined;
  readonly subnet?: string | undefined;
}

/** Fargate places by itself. No other capacity provider may have a name that begins so. */
export function isFargate(capacityProvider: string): boolean {
  return capacityProvider.startsWith("FARGATE");
}

/**
 * Where to ask, in this order: each provider in all its subnets at once, then, on Fargate, in each alone, since AWS picks
 * one subnet and gives up with it. On hosts the host chooses the subnet. Sick places come last, but they come: where all
 * are sick, one of them may have recovered.
 */
export function placementsOf(
  { capacityProviders, subnets }: Pick<EcsCapacityConfig, "capacityProviders" | "subnets">,
  sick: readonly SickPlace[],
): Placement[] {
  const isSick = (capacityProvider: string, subnet: string) =>
    sick.some(
      (place) =>
        (place.capacityProvider ?? capacityProvider) === capacityProvider && (place.subnet ?? subnet) === subnet,
    );
  const placements = (sickOnes: boolean) =>
    capacityProviders.flatMap((capacityProvider) =>
      choicesOf(
        capacityProvider,
        subnets.filter((subnet) => isSick(capacityProvider, subnet) === sickOnes),
      ),
    );
  return [...placements(false), ...placements(true)];
}

function choicesOf(capacityProvider: string, subnets: readonly string[]): Placement[] {
  if (subnets.length === 0) return [];
  const alone = isFargate(capacityProvider) && subnets.length > 1 ? subnets.map((subnet) => [subnet]) : [];
  return [subnets, ...alone].map((choice) => ({ capacityProvider, subnets: choice }));
}

/** Where to go on after a refusal: another subnet may have room, but a quota holds for the whole provider. */
export function nextPlacement(placements: readonly Placement[], index: number, kind: "capacity" | "quota"): number {
  if (kind === "capacity") return index + 1;
  const full = placements[index]?.capacityProvider;
  const next = placements.findIndex(({ capacityProvider }, at) => at > index && capacityProvider !== full);
  return next < 0 ? placements.length : next;
}
