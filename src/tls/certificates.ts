/**
 * Keeps the certificates of a server: what is served, what was chosen, and what is watched (2-http-api, 7; 3-rules, TLS).
 * A pair is served only after a real handshake with it; until then, and when it is bad, the one before it is. Nothing here
 * ever falls back to plain HTTP.
 */
import type { Random } from '../crypto/random.ts';
import type { Log } from '../record/recorder.ts';
import type { Clock } from '../types.ts';
import { chosenIn, readChosen, writeChosen } from './chosen-file.ts';
import type {
  CertificateAlarm,
  CertificateEvent,
  Certificates,
  CertificateStanding,
  Choice,
  Chosen,
  Judged,
  PairFiles,
  ProvenPair,
  Serving,
} from './contract.ts';
import { detectPairs } from './pairs/detect.ts';
import { daysLeft, type Expectancy, expectancy } from './expectancy.ts';
import { inLine } from './in-line.ts';
import { judgePair } from './pairs/judge-pair.ts';
import { selfMadePair } from './pairs/self-made-pair.ts';
import { oneAtATime } from '../store/one-at-a-time.ts';
import { anyDiffers, outOfTime, seenAs } from './watched.ts';

type Reach = 'machine' | 'network';

export interface CertificatesParts {
  readonly tls: 'off' | 'possible';
  /** The settings' pair. */
  readonly given: PairFiles | null;
  /** The readable folders. */
  readonly folders: readonly string[];
  /** Where our own files are: `<data>/tls`. */
  readonly folder: string;
  /** Of the listeners with a port, the console's first. */
  readonly reaches: readonly Reach[];
  /** Names and addresses of this machine, as they are now. */
  readonly names: () => readonly [string, ...string[]];
  /** What people call it, by the settings; a certificate that is not good for one of these is told. */
  readonly called: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** `told`: what cannot be served is an alarm from the start, for commands that put it right. */
  readonly unusable: 'refused' | 'told';
}

export type Opening =
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'open'; readonly certificates: Certificates };

/** While nothing can be written down, the oldest give way. */
const mostUntold = 100;

const plain: Serving = { kind: 'plain' };

/** Refused when what is to be served cannot be: a server that starts without it would be another than was asked for. */
export async function openCertificates(parts: CertificatesParts): Promise<Opening> {
  if (parts.tls === 'off') return { kind: 'open', certificates: new Keeper({ ...parts, reaches: [] }, null, null) };
  const chosenPath = chosenIn(parts.folder);
  const chosen = readChosen(chosenPath);
  if (chosen.kind === 'damaged' && parts.unusable === 'refused') return { kind: 'refused', why: chosen.why };
  const wanted = chosen.kind === 'chosen' ? chosen.files : parts.given;
  const keeper = new Keeper(parts, chosenPath, wanted);
  const begun = await keeper.begin();
  return begun.kind === 'refused' ? begun : { kind: 'open', certificates: keeper };
}

class Keeper implements Certificates {
  readonly untold: CertificateEvent[] = [];
  readonly #parts: CertificatesParts;
  readonly #chosenPath: string | null;
  readonly #listeners = new Set<() => void>();
  readonly #expectancy: Expectancy;
  /** What is watched: chosen, or given by settings. */
  #wanted: PairFiles | null;
  #given: ProvenPair | null = null;
  #selfMade: ProvenPair | null = null;
  #alarm: CertificateAlarm | null = null;
  /** How the watched files looked when they were read last. */
  #seen = '';
  readonly #inLine = inLine();

  constructor(parts: CertificatesParts, chosenPath: string | null, wanted: PairFiles | null) {
    this.#parts = parts;
    this.#chosenPath = chosenPath;
    this.#wanted = wanted;
    this.#expectancy = expectancy(parts.log);
  }

  async begin(): Promise<{ readonly kind: 'refused'; readonly why: string } | { readonly kind: 'begun' }> {
    const wanted = this.#wanted;
    if (wanted === null) {
      await this.#keepSelfMade('names-and-time');
      return { kind: 'begun' };
    }
    this.#seen = await seenAs(wanted);
    const judged = await this.#judgeWatched(wanted, 'told');
    if (judged.kind === 'unusable') {
      if (this.#parts.unusable === 'told') {
        this.#raise(wanted, judged.problems);
        return { kind: 'begun' };
      }
      const told = judged.problems.map(({ text }) => text).join(' ');
      const out = wanted.source === 'settings' ? '' : ' "sallyport tls self-signed" drops it.';
      return { kind: 'refused', why: `the certificate ${wanted.certPath} cannot be served: ${told}${out}` };
    }
    this.#given = judged;
    this.#judgeAge();
    return { kind: 'begun' };
  }

  serving(reach: Reach): Serving {
    const proven = this.#given ?? (reach === 'network' ? this.#selfMade : null);
    return proven === null ? plain : { kind: 'tls', proven };
  }

  async standing(): Promise<CertificateStanding> {
    const { tls, folders } = this.#parts;
    const detected = tls === 'off' ? [] : await detectPairs(folders);
    return { tls, serving: this.#shown(), alarm: this.#alarm, detected, folders: tls === 'off' ? [] : folders };
  }

  judge(certPath: string, keyPath: string): Promise<Judged> {
    return this.#judgeChosen({ source: 'custom', certPath, keyPath });
  }

  choose(choice: Choice): Promise<Chosen> {
    return this.#inLine(() => this.#choose(choice));
  }

  /** Whoever asks while one waits, waits with it: where files do not answer, no line of looks grows behind the first. */
  readonly look: () => Promise<void> = oneAtATime(() => this.#inLine(() => this.#look()));

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  figures(): ReturnType<Certificates['figures']> {
    const shown = this.#shown();
    const { notAfter, fingerprint } =
      shown.kind === 'tls' ? shown.proven.pair.info : { notAfter: null, fingerprint: '' };
    return { notAfter, fingerprint, alarm: this.#alarm === null ? 'none' : 'raised' };
  }

  async #choose(choice: Choice): Promise<Chosen> {
    const chosenPath = this.#chosenPath;
    if (chosenPath === null) return { kind: 'off' };
    if (choice.source === 'none') return this.#drop(chosenPath);
    const files = choice.source === 'custom' ? choice : await this.#detected(choice.source);
    if (files === undefined)
      return { kind: 'not-found', source: choice.source === 'custom' ? 'proxmox' : choice.source };
    const judged = await this.#judgeChosen(files);
    if (judged.kind === 'unusable') return judged;
    writeChosen(chosenPath, files);
    this.#serve(files, judged);
    return { kind: 'served', serving: this.#shown() };
  }

  async #drop(chosenPath: string): Promise<Chosen> {
    const { given } = this.#parts;
    const judged = given === null ? null : await this.#judgeWatched(given, 'judged');
    if (judged?.kind === 'unusable') return judged;
    if (judged === null) await this.#keepSelfMade('names-and-time');
    writeChosen(chosenPath, null);
    this.#serve(given, judged);
    return { kind: 'served', serving: this.#shown() };
  }

  #serve(files: PairFiles | null, proven: ProvenPair | null): void {
    const before = this.#served();
    this.#wanted = files;
    // Looked at once more: they may have changed since they were read.
    this.#seen = '';
    this.#given = proven;
    this.#alarm = null;
    this.#judgeAge();
    if (anyDiffers(before, this.#served())) this.#tell();
  }

  async #look(): Promise<void> {
    if (this.#wanted === null) {
      if (this.#given === null) await this.#keepSelfMade('time');
      return;
    }
    const files = await this.#preferred(this.#wanted);
    const seen = await seenAs(files);
    // Half of a renewal may have been read, or it was a matter of rights: what is bad is tried again each time.
    if (seen !== this.#seen || this.#alarm !== null) await this.#readAgain(files, seen);
    this.#judgeAge();
  }

  async #readAgain(files: PairFiles, seen: string): Promise<void> {
    const judged = await this.#judgeWatched(files, 'judged');
    this.#seen = seen;
    if (judged.kind === 'unusable') {
      this.#raise(files, judged.problems);
      return;
    }
    const before = this.#served();
    this.#wanted = files;
    this.#given = judged;
    if (this.#alarm !== null) this.#parts.log.info({ certificate: files.certPath }, 'the certificate is good again');
    this.#alarm = null;
    if (!anyDiffers(before, this.#served())) return;
    const { fingerprint } = judged.pair.info;
    this.#parts.log.info({ certificate: files.certPath, fingerprint }, 'another certificate is served from now on');
    this.#note({ event: 'certificate-replaced', fingerprint, result: '' });
    this.#tell();
  }

  /** Of a Proxmox host's two, the one that was uploaded, from when it is there. */
  async #preferred(files: PairFiles): Promise<PairFiles> {
    return files.source === 'proxmox' ? ((await this.#detected('proxmox')) ?? files) : files;
  }

  #raise(
    files: PairFiles,
    problems: CertificateAlarm['problems'],
    message = 'a certificate cannot be served; the one before it goes on',
  ): void {
    const texts = problems.map(({ text }) => text);
    const known = this.#alarm?.problems.map(({ text }) => text);
    if (known?.join('\n') === texts.join('\n')) return;
    const since = this.#alarm?.since ?? this.#parts.clock.now();
    this.#alarm = { since, files, problems };
    this.#parts.log.error({ certificate: files.certPath, problems: texts }, message);
    const fingerprint = this.#given?.pair.info.fingerprint ?? '';
    this.#note({ event: 'certificate-refused', fingerprint, result: problems[0].code });
  }

  /** Told in time, and an alarm when it is over or has not begun. */
  #judgeAge(): void {
    if (this.#given === null) return;
    const now = this.#parts.clock.now();
    const { files, pair } = this.#given;
    this.#expectancy.judge(pair.info, now);
    const problem = outOfTime(pair.info, now);
    if (problem !== undefined && this.#alarm === null)
      this.#raise(files, [problem], 'the certificate that is served is out of its time: clients refuse it');
  }

  async #keepSelfMade(askedAfter: 'names-and-time' | 'time'): Promise<void> {
    const { reaches, folder, names, clock, random, log } = this.#parts;
    if (!reaches.includes('network')) return;
    const before = this.#selfMade;
    if (before !== null && askedAfter === 'time' && daysLeft(before.pair.info, clock.now()) > 30) return;
    const { kind, proven } = await selfMadePair({ folder, names: names(), askedAfter, at: clock.now(), random });
    this.#selfMade = proven;
    const { fingerprint } = proven.pair.info;
    if (kind === 'made') {
      log.info({ fingerprint }, 'a certificate was made');
      this.#note({ event: 'certificate-made', fingerprint, result: '' });
    }
    if (before !== null && before.pair.info.fingerprint !== fingerprint && this.#given === null) this.#tell();
  }

  async #detected(source: 'proxmox' | 'letsencrypt'): Promise<PairFiles | undefined> {
    return (await detectPairs(this.#parts.folders)).find((each) => each.source === source);
  }

  #judgeChosen(files: PairFiles): Promise<Judged> {
    const { folders, called, clock } = this.#parts;
    return judgePair({ files, where: { kind: 'readable-folders', folders }, at: clock.now() }, called);
  }

  /** What settings name lies wherever the operator says. */
  #judgeWatched(files: PairFiles, dates: 'judged' | 'told'): Promise<Judged> {
    const { folders, called, clock } = this.#parts;
    const where =
      files.source === 'settings'
        ? ({ kind: 'named-by-operator' } as const)
        : ({ kind: 'readable-folders', folders } as const);
    return judgePair({ files, where, at: clock.now(), dates }, called);
  }

  /** By listener. */
  #served(): readonly Serving[] {
    return this.#parts.reaches.map((reach) => this.serving(reach));
  }

  #shown(): Serving {
    return this.#served().find(({ kind }) => kind === 'tls') ?? plain;
  }

  #note(event: CertificateEvent): void {
    this.untold.push(event);
    if (this.untold.length > mostUntold) this.untold.shift();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
