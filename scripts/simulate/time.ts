/** In seconds. */
export const hour = 3600;

/** In seconds: longer than any trace. */
export const forever = 1e9;
