/** The real server that a test asks: LASERVE_URL, LASERVE_API_KEY, LASERVE_ADMIN_KEY. */

import assert from "node:assert/strict";

function setting(name: string): string {
  const value = process.env[name];
  assert(value !== undefined, `${name} is not set: tests/e2e/typescript sets it`);
  return value;
}

export const URL_OF_SERVER = setting("LASERVE_URL");
export const API_KEY = setting("LASERVE_API_KEY");
export const ADMIN_KEY = setting("LASERVE_ADMIN_KEY");
