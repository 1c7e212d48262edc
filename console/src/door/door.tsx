/**
 * Asks for a proof over the page, whatever the person was doing: the password once more, or a new sign-in because the
 * session is over. What was held goes on afterwards; what was typed stays.
 */
import { useEffect, useState } from 'preact/hooks';
import { type Question, type Reply, keepDoor } from '../api/door.ts';
import { announce } from '../parts/announce.ts';
import { signInAgain } from '../places.ts';
import { accountMessages } from '../words/account-messages.ts';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { ResumeDialog } from './resume-dialog.tsx';

interface Props {
  readonly username: string;
  /** The session is another one now. */
  readonly onResumed: () => void;
}

type Asked =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'asked'; readonly question: Question; readonly reply: (reply: Reply) => void };

export function Door({ username, onResumed }: Props) {
  const [asked, setAsked] = useState<Asked>({ kind: 'nothing' });
  useEffect(
    () => keepDoor((question) => new Promise((resolve) => setAsked({ kind: 'asked', question, reply: resolve }))),
    [],
  );
  if (asked.kind === 'nothing') return null;
  const { question } = asked;
  const answer = (reply: Reply): void => {
    setAsked({ kind: 'nothing' });
    asked.reply(reply);
  };

  if (question.kind === 'confirm') {
    return (
      <ConfirmDialog
        question={question}
        username={username}
        onReply={answer}
        // Confirming came too late: the session itself is over. What was held is sent again and finds that out.
        onOver={() => answer({ kind: 'resumed' })}
      />
    );
  }
  const resumed = (): void => {
    answer({ kind: 'resumed' });
    announce(accountMessages.resume.done);
    onResumed();
  };
  const leave = (): void => {
    // Without a session this page has nothing to show.
    location.replace(signInAgain('ended'));
    answer({ kind: 'given-up' });
  };
  return <ResumeDialog username={username} onResumed={resumed} onLeave={leave} />;
}
