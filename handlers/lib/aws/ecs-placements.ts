import type { EcsCapacityConfig } from "../settings/ecs-capacity.ts";

/** A capacity provider and subnets to launch a task in. */
export interface Placement {
  readonly capacityProvider: string;
  readonly subnets: readonly string[];
}

/** A placement where launches fail. A missing key stands for every provider, or every subnet. */
export interface SickPlace {
  readonly capacityProvider?: string | undefined;
  readonly subnet?: string | undefined;
}

/** Fargate chooses hosts itself. AWS reserves this prefix for its capacity providers. */
export function isFargate(capacityProvider: string): boolean {
  return capacityProvider.startsWith("FARGATE");
}

/**
 * The placements to try, in order: each provider in all its subnets at once, then, on Fargate, in each subnet alone,
 * since AWS picks one subnet and tries no other. On EC2, the host decides the subnet. Placements with failures come
 * last but stay in the list: if all have failures, one of them may have recovered.
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

/** The placements to try after a refusal: another subnet may have room, but a quota holds for the whole provider. */
export function nextPlacement(placements: readonly Placement[], index: number, kind: "capacity" | "quota"): number {
  if (kind === "capacity") return index + 1;
  const full = placements[index]?.capacityProvider;
  const next = placements.findIndex(({ capacityProvider }, at) => at > index && capacityProvider !== full);
  return next < 0 ? placements.length : next;
}
