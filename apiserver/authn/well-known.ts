import type { User } from "../chain/steps.ts";

/** The group of everybody who has shown who he is. */
export const AUTHENTICATED = "system:authenticated";
export const UNAUTHENTICATED = "system:unauthenticated";

/** Whoever shows nothing. */
export const ANONYMOUS: User = { name: "system:anonymous", groups: [UNAUTHENTICATED] };
