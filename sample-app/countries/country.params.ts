import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { Matches } from 'class-validator';

/** The path of one country. Upper case before it becomes a key, so that `de` and `DE` share one. */
export class CountryParams {
  @ApiProperty({ description: 'ISO 3166-1 alpha-2, in either case', example: 'DE' })
  @Transform(({ value }) => String(value).toUpperCase())
  @Matches(/^[A-Z]{2}$/, { message: 'code must be two letters' })
  code!: string;
}
