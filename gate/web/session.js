// A short session: who looks at a request is known before anything of it is shown. A login signs 32
// bytes of the service, which no verifier takes for an approval.

import { fromBase64Url } from "./bytes.js";
import { $ } from "./dom.js";
import { sign } from "./passkey.js";
import { Problem, post } from "./service.js";

const LOGIN_LENGTH = 32;

/// Resolves once somebody has signed in.
export function signIn(report) {
  const form = $("#login");
  const button = $("#login-button");
  form.hidden = false;
  $("#title").focus();
  return new Promise((resolve) => {
    form.onsubmit = async (event) => {
      event.preventDefault();
      button.disabled = true;
      report(null);
      try {
        const session = await login($("#login-name").value.trim());
        form.hidden = true;
        form.onsubmit = null;
        resolve(session);
      } catch (error) {
        report(error);
      } finally {
        button.disabled = false;
      }
    };
  });
}

export const signOut = () => post("/session/end");

async function login(name) {
  const options = await post("/session/options", name ? { name } : {});
  const challenge = fromBase64Url(String(options.challenge));
  if (challenge?.length !== LOGIN_LENGTH) {
    throw new Problem(0, "page.login_challenge", `The service asked for a login that could be something else: its challenge has ${challenge?.length ?? "no"} bytes and not ${LOGIN_LENGTH}. Nothing was signed. Tell those who run this service.`);
  }
  const assertion = await sign({ ...options, challenge });
  return post("/session/finish", { assertion });
}
