import { ApiProperty } from '@nestjs/swagger';
import { Column, Entity, PrimaryColumn, VersionColumn } from 'typeorm';

/**
 * One city, as GeoNames has it. The table is made by the import, not by TypeORM.
 *
 * Only columns that JSON keeps as they are, so that the cache takes it without a codec.
 */
@Entity({ schema: 'atlas', name: 'cities', synchronize: false })
export class City {
  @PrimaryColumn('integer')
  @ApiProperty({ description: "GeoNames' id", example: 2950159 })
  id!: number;

  @Column('text')
  @ApiProperty({ example: 'Berlin' })
  name!: string;

  @Column('text', { name: 'alt_name' })
  @ApiProperty({ description: 'another name, or empty' })
  altName!: string;

  @Column('text')
  @ApiProperty({ description: 'ISO 3166-1 alpha-2', example: 'DE' })
  country!: string;

  @Column('text', { name: 'feature_code' })
  @ApiProperty({ description: "GeoNames' feature code: PPLC is a capital", example: 'PPLC' })
  featureCode!: string;

  @Column('text', { name: 'admin_code' })
  @ApiProperty({ description: 'first-order administrative division', example: '16' })
  adminCode!: string;

  @Column('integer')
  @ApiProperty({ example: 3426354 })
  population!: number;

  @Column('double precision')
  @ApiProperty({ description: 'degrees north', example: 52.52437 })
  lat!: number;

  @Column('double precision')
  @ApiProperty({ description: 'degrees east', example: 13.41053 })
  lon!: number;

  @VersionColumn()
  @ApiProperty({ description: 'counts the changes', example: 1 })
  version!: number;
}
