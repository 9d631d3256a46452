/** The log of a build, in CloudWatch. */
export interface BuildLog {
  readonly group: string;
  readonly stream: string;
  readonly url?: string | undefined;
}

/** The present state of a build. */
export interface Build {
  readonly id: string;
  /** The service's own status, such as `IN_PROGRESS` or `FAILED`. */
  readonly status: string;
  /** Whether the build has ended. */
  readonly complete: boolean;
  readonly succeeded: boolean;
  /** The present phase, such as `PROVISIONING`. */
  readonly phase: string | undefined;
  /** The failed step, and the service's reason. */
  readonly failure: string | undefined;
  /** The finished image. */
  readonly image: string | undefined;
  readonly log: BuildLog | undefined;
}

/** Builds of stacks' images in a region. */
export interface ImageBuilds {
  /** How long to wait before asking again. */
  readonly pollMilliseconds: number;
  /** Starts a build. Throws a {@link UserError} if the stack builds no image, or if a build is running. */
  start(stack: string): Promise<Build>;
  get(id: string): Promise<Build>;
}
