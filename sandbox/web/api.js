// The server's API, spoken as any client speaks it. The session cookie says who asks; the page never sees a key.

export class ApiError extends Error {
  constructor(exception, content) {
    super(content);
    this.exception = exception;
  }

  /** Whether the answer means: sign in first. */
  get needsSignIn() {
    return /Credentials|Authentication/.test(this.exception);
  }
}

// Comes back in events, so that whoever listens can tell this page's own changes.
const CLIENT_TOKEN = `ftreview-page--${crypto.getRandomValues(new Uint32Array(4)).join("-")}`;

/** Sends operations as one batch and returns their results in order. */
export async function call(operations) {
  let response;
  try {
    response = await fetch("/api", {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", Accept: "application/json", "ftrack-clienttoken": CLIENT_TOKEN },
      body: JSON.stringify(operations),
    });
  } catch {
    throw new ApiError("NetworkError", "The server does not answer.");
  }
  let answer;
  try {
    answer = await response.json();
  } catch {
    throw new ApiError("MalformedResponseError", `The server answered with status ${response.status} and no JSON.`);
  }
  if (answer?.exception) throw new ApiError(answer.exception, answer.content);
  if (!Array.isArray(answer)) throw new ApiError("MalformedResponseError", "The server's answer is not a list of results.");
  return answer;
}

/** Runs queries in one batch and returns a list of entities for each. */
export async function query(...expressions) {
  const results = await call(expressions.map((expression) => ({ action: "query", expression })));
  return results.map((result) => result.data);
}

/** The person the session belongs to: id and display name. */
export async function currentUser() {
  const [information] = await call([{ action: "query_server_information", values: ["user_information"] }]);
  const user = information.user_information ?? {};
  return { id: user.id, name: displayName(user) };
}

/** What a person is called; empty for nobody. */
export function displayName(user) {
  return [user?.first_name, user?.last_name].filter(Boolean).join(" ") || user?.username || "";
}

/** Exchanges user and key for a session cookie. Throws with the server's words when they do not match. */
export async function signIn(user, key) {
  const response = await fetch("/session", {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ user, key }),
  });
  if (response.ok) return;
  const answer = await response.json().catch(() => ({}));
  throw new ApiError(answer.exception ?? "SignInError", answer.content ?? `Signing in failed with status ${response.status}.`);
}

/** The address of a component's media. */
export function mediaAddress(componentId) {
  return `/component/get?id=${encodeURIComponent(componentId)}`;
}

/** The address of an image scaled to fit `size` pixels. */
export function thumbnailAddress(componentId, size) {
  return `/component/thumbnail?id=${encodeURIComponent(componentId)}&size=${size}`;
}
