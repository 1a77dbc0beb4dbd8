import { Injectable } from '@nestjs/common';
import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { PeerConfig } from '../config/peer-config.js';

/**
 * Makes the database itself count what it is asked.
 *
 * A counter in this process would count what the process believes. Here the row is written by the very statement that
 * reads: PostgreSQL runs a data-modifying WITH exactly once whenever the statement runs, used or not, and both commit
 * or neither does. So the log has one row a statement, with its key, from all peers, and needs no extension.
 */
@Injectable()
export class StatementLog {
  constructor(private readonly config: PeerConfig) {}

  /**
   * Adds the counting to a SELECT; `name` and `key` say what is read, as the cache's group and key do. `version` is SQL for
   * the version that is read: the same, since both are of one statement.
   */
  counted<Entity extends ObjectLiteral>(
    select: SelectQueryBuilder<Entity>,
    name: string,
    key: string,
    version = 'NULL',
  ): SelectQueryBuilder<Entity> {
    return select
      .addCommonTableExpression(
        `INSERT INTO atlas.statement_log (run, query, key, version)
         VALUES (:loggedRun, :loggedQuery, :loggedKey, ${version})`,
        'logged',
      )
      .setParameters({ loggedRun: this.config.run, loggedQuery: name, loggedKey: key });
  }
}
