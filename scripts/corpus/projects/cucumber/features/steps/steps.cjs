const assert = require("node:assert");
const { Before, Given, Then, When } = require("@cucumber/cucumber");

let attempts = 0;

Before({ tags: "@hook" }, () => {
  throw new Error("no database");
});
Given("a house", () => {});
When("the room opens", () => {});
Then("it is open", () => {});
When("the room fails with {string}", (text) => assert.equal(text, "b"));
When(/^the room is ambig/, () => {});
When(/^the room is ambiguous$/, () => {});
When("the room is skipped", () => "skipped");
When("the room reconnects", () => assert.equal(++attempts, 2));
When("the colour is {word}", (colour) => assert.equal(colour.length, 3));
