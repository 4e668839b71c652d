import { type Findings, type ReportedTest, messageOf, passedLaterMessage, stackOf, UnreadableReport } from "../../reported.ts";
import type { TextFormat } from "../format.ts";
import { eachObject, firstObject } from "./lines.ts";
import { Output } from "./output.ts";
import { type TestState, worseOrLater } from "./attempts.ts";
