// Samples for a page on which nothing was dropped yet. Their keys are made from seeds that everybody
// knows, so they hold for nothing: the page applies this policy to these samples alone.

import { fromBase64Url, text, toBase64Url, utf8 } from "./bytes.js";

// A test makes both anew, and compares.
const BUNDLE = "{\"entry\":\"{\\\"approvalIdHash\\\":\\\"LKKOKVRLilmFPw_ptjVsyVYbJ_70X5c5syu13pe2E7Y\\\",\\\"authenticatorData\\\":\\\"isa3hwuRDLq5XLX1pv8q6crLzD9ymayLjlqZsqdOsIMFAAAAAQ\\\",\\\"clientDataHash\\\":\\\"LSzG_GPeXcepohMU7VqgSAuaRzrTJ9zBUafUfJKa9IY\\\",\\\"credentialPublicKey\\\":\\\"pQECAyYgASFYIGR5zord23H0SqyQDYaAY7voqE3RerJzyAtaSeNpWrB5IlggKisM_GsV_IpUZzHm-rfqpjNNJVbYO4mi200dmXFbp5k\\\",\\\"decidedAt\\\":\\\"2026-03-01T12:00:00.000Z\\\",\\\"rpId\\\":\\\"approvals.example\\\",\\\"signature\\\":\\\"MEUCIQD3-bV2I-nITZDMQNxplmxfc7pRReh1wpiCyAo-VMbkGgIgSlPJn8jQfhhgz3cGtsMLXcbcXrxGmN9zp69GbFpef64\\\",\\\"type\\\":\\\"cosignet.approval/v1\\\"}\",\"evidence\":{\"action\":\"wire_transfer\",\"approvalId\":\"5534d6f2-c643-4355-8548-73af4b8540f2\",\"clientDataJSON\":\"eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiWlU0c2g5ZUNETDZ4dGJWUTlERm1WSldDdGJOVDRBNG5jb09feHkydDhiUS1VdnRHWk5BZDlYSFRlR19odm9JMGI1d00yWDZ0bkpkcW5FM2VmODViUnciLCJvcmlnaW4iOiJodHRwczovL2FwcHJvdmFscy5leGFtcGxlIiwiY3Jvc3NPcmlnaW4iOmZhbHNlfQ\",\"payload\":\"eyJhY3Rpb24iOiJ3aXJlX3RyYW5zZmVyIiwiYW1vdW50IjoiMTAwMS4wMCIsImN1cnJlbmN5IjoiRVVSIiwiaWJhbiI6IkRFODkzNzA0MDA0NDA1MzIwMTMwMDAiLCJ0byI6IkFjbWUgR21iSCJ9\"},\"logProof\":\"c2sp.org/tlog-proof@v1\\nindex 2\\nWL0UluFoSqySAcLmh+565PUclqiw2B7zWDYouT0800U=\\n/F9riP+FVPdbsvnm85wxsZNtRLaSdu33sSBalVuXYeM=\\ndauSgmjIb0TaXUJBGI7XHkqrLU131tUBF9rZSoQu3gM=\\n\\nlog.example/approvals\\n6\\nlYbTkesJYkKREcfqjAnjqsBDM3v27sXwfW/avMhg6yo=\\n\\n— log.example/approvals glPnrjcYLoRWKPRE5MyiCgNp695qyun0cD9HBZLwFotZX+SQgvhuhHsuz4OfBtcPc4dCaUht6FFOVt1NgJYd+8K90AA=\\n— witness.example/w1 13REVAAAAABppCpFsBZLYafgS8kz4W/GmBe4JgPYlt4EZK7Kd3Vl1GD4HGBILrCS3TNlfuQmQE59WwaZCIFEfArwWCXtUfZ59P1oBw==\\n— witness.example/w2 fBfYggAAAABppCpH6HSDeHqI6quiY438r1s4dOlTd1rLkg0QF1vpSIEbOa4uft251W48doF7dFy1iU13+QdXzFPPdo6aurMLqI8/Aw==\\n\",\"type\":\"cosignet.bundle/v1\"}";
const POLICY = "{\"approvers\":[{\"credentialId\":\"c3F7I4GOKiAsWHmEDTpN9g\",\"name\":\"alice\",\"publicKey\":\"pQECAyYgASFYIGR5zord23H0SqyQDYaAY7voqE3RerJzyAtaSeNpWrB5IlggKisM_GsV_IpUZzHm-rfqpjNNJVbYO4mi200dmXFbp5k\"},{\"credentialId\":\"ZJmzfoV6i-Ktx3w8Qs8NNA\",\"name\":\"bob\",\"publicKey\":\"pQECAyYgASFYIAO_zxqPPrm0Pnmh8qNEr_ioc8_Tzua2xR0dF6fEm9U0IlggyeFWrTOdhoYR3hy1wBRIeYx3lWV20vK-RJa75P-LDg4\"}],\"log\":{\"policy\":\"log log.example/approvals+8253e7ae+AZsfhHkc/HZjBFhU04netcqVRJ2HXydqg4QLBgqznPxx\\nwitness w1 witness.example/w1+d7744454+BPck7Ua4dLPhmJVWe2MJG+7FPf0ffZ5EmxoPjVCX221W\\nwitness w2 witness.example/w2+7c17d882+BKy+WaxPX/wEDsJAcatzJiNxDizKK9cR8qgMYn7h9jEE\\nwitness w3 witness.example/w3+a21a0efc+BCTM8+F+R40BUypH0fAFi+fBMOqRKxvsZHb/33RiNSxC\\ngroup all-witnesses 2 w1 w2 w3\\nquorum all-witnesses\\n\"},\"name\":\"example\",\"webauthn\":{\"origins\":[\"https://approvals.example\"],\"rpIds\":[\"approvals.example\"]}}";

export const SAMPLES = { good: "A good approval", changed: "One that was changed", stranger: "One by an unknown key" };

/// Approval and policy of a sample, both { name, bytes }.
export function sampleOf(kind) {
  let bundle = BUNDLE;
  let policy = POLICY;
  if (kind === "changed") {
    const file = JSON.parse(BUNDLE);
    const payload = text(fromBase64Url(file.evidence.payload)).replace("1001.00", "9001.00");
    file.evidence.payload = toBase64Url(utf8(payload));
    bundle = JSON.stringify(file);
  }
  if (kind === "stranger") {
    const rules = JSON.parse(POLICY);
    rules.approvers.shift();
    policy = JSON.stringify(rules);
  }
  return {
    approval: { name: `sample-${kind}.json`, bytes: utf8(bundle) },
    policy: { name: "sample-policy.json", bytes: utf8(policy) },
  };
}
