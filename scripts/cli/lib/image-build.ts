/** Where a build writes its log, in CloudWatch. */
export interface BuildLog {
  readonly group: string;
  readonly stream: string;
  readonly url?: string | undefined;
}

/** A build of an image, as far as it is. */
export interface Build {
  readonly id: string;
  /** As the service calls it, such as `IN_PROGRESS` or `FAILED`. */
  readonly status: string;
  /** It has ended. */
  readonly complete: boolean;
  readonly succeeded: boolean;
  /** The phase that it is in, such as `PROVISIONING`. */
  readonly phase: string | undefined;
  /** What failed, and what the service says of it. */
  readonly failure: string | undefined;
  /** The image that was made. */
  readonly image: string | undefined;
  readonly log: BuildLog | undefined;
}

/** Builds of stacks' images in a region. */
export interface ImageBuilds {
  /** How long to wait before asking again. */
  readonly pollMilliseconds: number;
  /** Starts a build. Throws a {@link UserError} where the stack builds no image, or one of its builds is under way. */
  start(stack: string): Promise<Build>;
  get(id: string): Promise<Build>;
}
